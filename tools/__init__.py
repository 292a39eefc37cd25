"""Tools that build the shipped data, and the demonstration."""
