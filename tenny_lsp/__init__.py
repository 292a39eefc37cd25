"""Tenny: a Python language server with a language model inside, for people who write MLX code."""

__version__ = "0.1.0"
