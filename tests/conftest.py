"""What every test may use."""

from pathlib import Path

import pytest

from tenny_lsp.mlx_api.index import ApiIndex, load_index


@pytest.fixture(scope="session")
def mlx_index(tmp_path_factory: pytest.TempPathFactory) -> ApiIndex:
    """The index of the installed MLX, read afresh."""
    return load_index("mlx", cache=Path(tmp_path_factory.mktemp("cache")))
