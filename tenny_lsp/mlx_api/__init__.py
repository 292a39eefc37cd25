"""What MLX offers, read statically from the installed package; nothing of it is imported."""
