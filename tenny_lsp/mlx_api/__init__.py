"""What MLX offers: read statically from the installed package, never imported."""
