"""The other process: it owns the model, and is the only one that imports mlx and mlx-lm to answer."""
