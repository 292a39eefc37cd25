"""The rows of MLX's tests, for these too."""

from tests.mlx.conftest import rows

__all__ = ["rows"]
