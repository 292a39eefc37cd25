"""Pitfalls: MLX code that raises, goes wrong silently or wastes time, and the edits that put it right."""
