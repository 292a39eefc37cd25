"""The model's process, ``python -m tenny_lsp.worker``: it loads the model with mlx-lm and answers requests."""
