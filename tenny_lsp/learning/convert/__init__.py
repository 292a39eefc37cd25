"""Convert models of other formats to a folder that MLX-LM loads."""
