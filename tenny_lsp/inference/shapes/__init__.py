"""Shapes and dtypes of arrays, symbolic: what a variable's array is, from the text alone."""
