"""Hovers in a real server: the cards as they lie in ``hovers/``, and where there must be none."""

from pathlib import Path

import pytest
from pytest_lsp import LanguageClient

from tests.lsp.conftest import at, hover, open_document

pytestmark = pytest.mark.asyncio(loop_scope="module")

CASES = sorted((Path(__file__).parent / "hovers").glob("*.md"))

NOTHING = {
    "comment": "import mlx.core as mx\n# mx.ab‸s is not code\n",
    "string": 'import mlx.core as mx\ns = "mx.ab‸s"\n',
    "f-string text": 'import mlx.core as mx\ns = f"mx.ab‸s {s}"\n',
    "docstring": 'import mlx.core as mx\ndef f():\n    """Uses mx.ab‸s."""\n',
    "unknown name": "mx.ab‸s(x)\n",
    "unknown member": "import mlx.core as mx\nmx.nonsen‸se(x)\n",
    "numpy": "import numpy as np\nnp.ab‸s(x)\n",
    "torch under MLX's alias": "import torch.nn as nn\nnn.Lin‸ear(1, 2)\n",
    "builtin": "import mlx.core as mx\nab‸s(-1)\n",
    "keyword argument that there is not": "import mlx.core as mx\nmx.sum(x, di‸m=1)\n",
    "keyword argument of another call": "import mlx.core as mx\nfoo(mx.sum(x), ax‸is=1)\n",
    "parameter of that name": "import mlx.core as mx\ndef f(mx):\n    return mx.ab‸s\n",
    "parameter's own name": "import mlx.core as mx\ndef f(m‸x):\n    return mx\n",
    "rebound name": "import mlx.core as mx\nmx = 3\nmx.ab‸s\n",
    "loop variable": "import mlx.core as mx\nfor mx in range(3):\n    mx.ab‸s\n",
    "comprehension variable": "import mlx.core as mx\n[mx.ab‸s for mx in range(3)]\n",
    "variable": "import mlx.core as mx\nloss = mx.abs(x)\nlo‸ss\n",
    "method of a call": "import mlx.core as mx\nunknown().ab‸s()\n",
    "function's own name": "from mlx.core import abs\ndef ab‸s(): ...\n",
    "relative import": "from .core import ab‸s\n",
    "blank line": "import mlx.core as mx\n‸\n",
    "operator": "import mlx.core as mx\nmx.abs(x) ‸+ 1\n",
    "empty file": "‸",
    "beyond a broken line": "import mlx.core as mx\ndef (((\n    '''‸",
}


def case(path: Path) -> tuple[str, str]:
    """Returns a case's code, with its cursor mark, and the card that belongs to it."""
    code, _, card = path.read_text("utf-8").partition("\n```\n\n")
    return code.removeprefix("```python\n") + "\n", card.rstrip("\n")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
async def test_card(client: LanguageClient, path: Path) -> None:
    code, card = case(path)
    text, position = at(code)
    uri = f"file:///{path.stem}.py"
    open_document(client, uri, text)

    result = await hover(client, uri, position)

    assert result is not None
    assert result.contents.value == card  # type: ignore[union-attr]
    assert result.range is not None and result.range.start <= position <= result.range.end


@pytest.mark.parametrize("code", NOTHING.values(), ids=list(NOTHING))
async def test_nothing_to_say(client: LanguageClient, code: str) -> None:
    text, position = at(code)
    uri = "file:///nothing.py"
    open_document(client, uri, text)

    assert await hover(client, uri, position) is None


async def test_there_are_enough_cards() -> None:
    assert len(CASES) >= 40
