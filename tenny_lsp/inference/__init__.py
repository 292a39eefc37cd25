"""What the names and expressions of a file mean, from its text alone."""
