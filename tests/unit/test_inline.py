"""What of a model's text is shown at the cursor, and when it is asked at all."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tenny_lsp.features.inline import context_of, cut, inline
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer

IMPORTS = "import mlx.core as mx\nimport mlx.nn as nn\n"
BLOCK = IMPORTS + "def f(x):\n    ‸\n"


class Writer:
    """A model that writes one text, in small pieces."""

    def __init__(self, text: str, *, ends: bool = False) -> None:
        self.text = text
        self.read: list[str] = []
        self.written = ""
        self.is_closed = False
        self._ends = ends

    async def __call__(self, text: str, max_tokens: int) -> AsyncGenerator[str, None]:
        self.read.append(text)
        try:
            for start in range(0, len(self.text), 3):
                self.written += self.text[start : start + 3]
                yield self.text[start : start + 3]
            if not self._ends:
                await asyncio.Event().wait()
        finally:
            self.is_closed = True


async def shown(code: str, text: str, index: ApiIndex, *, ends: bool = False) -> str | None:
    buffer = Buffer(code.replace("‸", ""))
    return await inline(buffer, code.index("‸"), index, Writer(text, ends=ends), 0.05)


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("y = ‸", " mx.sum(x)\nz = 3\n", "mx.sum(x)"),
        ("y =‸", " mx.sum(x)\nz = 3\n", " mx.sum(x)"),
        ("y = mx.sum(‸)", "x, axis=1)\nz = 3\n", "x, axis=1"),
        ("y = mx.sum(‸", "x, axis=1)\nz = 3\n", "x, axis=1)"),
        ("y = mx.concatenate(\n    [a, ‸\n", " b],\n    axis=1,\n)\nz = 3\n", "b],\n    axis=1,\n)"),
        ("y = ‸", " mx.sum(\n    x,\n)\nz = 3\n", "mx.sum(\n    x,\n)"),
        ("y = ‸", " mx.sum(x, mx.ex", None),
        ("y = ‸", " mx.never_heard_of(x)\n", None),
        ("y = ‸", " '(' + s  # ((\nz = 1\n", "'(' + s  # (("),
    ],
)
async def test_a_line(code: str, text: str, expected: str | None, mlx_index: ApiIndex) -> None:
    assert await shown(IMPORTS + code, text, mlx_index) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("    y = mx.exp(x)\n    return y\n\ndef g():\n", "y = mx.exp(x)\n    return y"),
        ("    return x\nprint(f(1))\n", "return x"),
        ("    y = 1\n    y = 1\n    y = 1\n", "y = 1"),
        ("    y = 1\n    z = mx.magic(y)\n    return z\n\n", "y = 1"),
        ("    for i in x:\n        g(i)\n    return 1\n\n", "for i in x:\n        g(i)\n    return 1"),
        ("\n    return x\n", None),
        ("  return x\n", None),
        ("    return x", None),
    ],
)
async def test_a_block(text: str, expected: str | None, mlx_index: ApiIndex) -> None:
    assert await shown(BLOCK, text, mlx_index) == expected


async def test_the_end_of_the_models_text_ends_its_line(mlx_index: ApiIndex) -> None:
    assert await shown(BLOCK, "    return x", mlx_index, ends=True) == "return x"


async def test_what_follows_is_not_said_again(mlx_index: ApiIndex) -> None:
    code = BLOCK + "    return y\n"

    assert await shown(code, "    y = mx.exp(x)\n    return y\n\n", mlx_index) == "y = mx.exp(x)"


def test_a_block_has_so_many_lines_and_no_more() -> None:
    place = context_of("def f():\n    ", "")
    text = "".join(f"    y{number} = {number}\n" for number in range(99)).removeprefix("    ")

    found = cut(text, place)

    assert found.is_whole and found.text.count("\n") == 9


@pytest.mark.parametrize(
    "code",
    ["x = 1\ny = ‸", IMPORTS + "# a ‸", IMPORTS + "s = 'a ‸", IMPORTS + "y = ‸ + 1"],
    ids=["no MLX", "comment", "string", "before other code"],
)
async def test_where_the_model_is_not_asked(code: str, mlx_index: ApiIndex) -> None:
    writer = Writer(" mx.sum(x)\n")

    assert await inline(Buffer(code.replace("‸", "")), code.index("‸"), mlx_index, writer, 0.05) is None
    assert writer.read == []


async def test_the_model_is_stopped_when_enough_is_written(mlx_index: ApiIndex) -> None:
    code, writer = IMPORTS + "y = ", Writer(" mx.sum(x)\n" + "more\n" * 100)

    assert await inline(Buffer(code), len(code), mlx_index, writer, 5) == "mx.sum(x)"
    assert writer.is_closed and len(writer.written) < 20
    assert writer.read == [code.rstrip(" ")]


async def test_what_a_cancelled_request_asked_for_is_stopped(mlx_index: ApiIndex) -> None:
    code, writer = IMPORTS + "y = ", Writer(" mx.sum(x,")
    task = asyncio.create_task(inline(Buffer(code), len(code), mlx_index, writer, 5))
    while not writer.written.endswith(","):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled() and writer.is_closed
