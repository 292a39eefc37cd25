"""Pitfalls: MLX code that raises, goes wrong silently or wastes time, what is right, and the edit that makes it so."""
