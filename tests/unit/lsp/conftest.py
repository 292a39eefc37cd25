"""Every session of these tests means the MLX that is installed, and finds no adapter of the user's own."""

from pathlib import Path

import pytest

from tenny_lsp import locations
from tenny_lsp.lsp import indexes
from tenny_lsp.mlx_api.index import ApiIndex


@pytest.fixture(autouse=True)
def installed_mlx(mlx_index: ApiIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexes, "load_mlx_index", lambda _: mlx_index)
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
