"""The modules whose names are taken to be all known: what each really has is never called unknown."""

import importlib

import mlx.core as mx
import pytest

from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.pitfalls.rules.unknown import _KNOWN, _is_missing

INDEX = load_mlx_index()


@pytest.mark.parametrize("name", sorted(_KNOWN))
def test_no_name_that_a_module_has_is_missing(name: str) -> None:
    parts = name.removeprefix("mlx.core").strip(".") if name.startswith("mlx.core") else None
    module = importlib.import_module(name) if parts is None else getattr(mx, parts) if parts else mx

    assert [member for member in dir(module) if _is_missing(INDEX, name, member)] == []
    assert not _is_missing(INDEX, "mlx.core.random", "state") and hasattr(mx.random, "state")
