"""The API of MLX: its names, documentation and usage, read statically; nothing of MLX is imported."""
