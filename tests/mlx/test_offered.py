"""What a completion offers, against the MLX that runs."""

import importlib
import subprocess
import sys

import mlx.core as mx

from tenny_lsp.features.candidates import CompletionCandidate
from tenny_lsp.features.completion import completions
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.usage import members_of
from tenny_lsp.source.buffer import Buffer


async def candidates(code: str, index: ApiIndex) -> list[CompletionCandidate]:
    found = await completions(Queries(Buffer(code), index), len(code))
    assert found is not None, code
    return found.candidates


async def test_all_that_is_offered_is_there(mlx_index: ApiIndex) -> None:
    lacking = []
    for owner in members_of(mlx_index).of:
        code = f"import mlx.core as mx\nimport {owner} as m\nm."
        if owner.startswith("mlx.core"):
            found = await candidates(f"import mlx.core as mx\nmx{owner[8:]}.", mlx_index)
            there = mx
            for part in owner.split(".")[2:]:
                there = getattr(there, part)
        else:
            found = await candidates(code, mlx_index)
            there = importlib.import_module(owner)
        lacking += [f"{owner}.{c.name}" for c in found if not hasattr(there, c.name)]

    assert lacking == []


async def test_what_is_struck_through_warns_when_it_is_called(mlx_index: ApiIndex) -> None:
    code = "import mlx.core as mx\nmx.metal."
    found = await candidates(code, mlx_index)
    deprecated = {c.name: c.replaced_by for c in found if c.replaced_by}

    calls = "\n".join(f"mx.metal.{name}()" for name in deprecated if not name.startswith("set_"))
    # MLX warns once in a process, and another test may have called them.
    ran = subprocess.run(
        [sys.executable, "-c", f"import mlx.core as mx\n{calls}"], capture_output=True, text=True, check=True
    )
    warnings = ran.stderr + ran.stdout

    assert {"get_active_memory", "set_cache_limit", "clear_cache"} < deprecated.keys()
    for name, instead in deprecated.items():
        assert name.startswith("set_") or f"mx.metal.{name} is deprecated" in warnings
        assert hasattr(mx, instead.removeprefix("mx."))
