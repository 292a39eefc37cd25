"""What a completion offers, against the MLX that runs."""

import importlib

import mlx.core as mx
import pytest

from tenny_lsp.features.completion import completions
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.usage import members_of
from tenny_lsp.source.buffer import Buffer


async def test_all_that_is_offered_is_there(mlx_index: ApiIndex) -> None:
    lacking = []
    for owner in members_of(mlx_index).of:
        code = f"import mlx.core as mx\nimport {owner} as m\nm."
        if owner.startswith("mlx.core"):
            found = await completions(Buffer(code := f"import mlx.core as mx\nmx{owner[8:]}."), len(code), mlx_index)
            there = mx
            for part in owner.split(".")[2:]:
                there = getattr(there, part)
        else:
            found = await completions(Buffer(code), len(code), mlx_index)
            there = importlib.import_module(owner)
        assert found is not None, owner
        lacking += [f"{owner}.{c.name}" for c in found.candidates if not hasattr(there, c.name)]

    assert lacking == []


async def test_what_is_struck_through_warns_when_it_is_called(
    mlx_index: ApiIndex, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import mlx.core as mx\nmx.metal."
    found = await completions(Buffer(code), len(code), mlx_index)
    assert found is not None
    deprecated = {c.name: c.replaced_by for c in found.candidates if c.replaced_by}

    for name in deprecated:
        if not name.startswith("set_"):
            getattr(mx.metal, name)()
    warnings = capfd.readouterr().err + capfd.readouterr().out

    assert {"get_active_memory", "set_cache_limit", "clear_cache"} < deprecated.keys()
    for name, instead in deprecated.items():
        assert name.startswith("set_") or f"mx.metal.{name} is deprecated" in warnings
        assert hasattr(mx, instead.removeprefix("mx."))
