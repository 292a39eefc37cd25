"""Evaluate the names and expressions of a file to what they mean, from the text alone; see README.md."""
