"""What made the shipped data, and the demonstration."""
