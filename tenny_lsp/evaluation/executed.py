"""The child process that executes pieces of code: ``python -m tenny_lsp.evaluation.executed``.

It reads a JSON list of pieces from standard input and writes ``{"output", "error"}`` for each, one JSON object a line.
"""

import ast
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from pprint import pformat
from typing import Any

from tenny_lsp.model.runtime import prepare

prepare()

import mlx.core as mx  # noqa: E402
import mlx.nn as nn  # noqa: E402
import mlx.optimizers as optim  # noqa: E402
import mlx.utils  # noqa: E402

#: An array of more numbers is shown by its shape and dtype.
_MOST_NUMBERS = 12
_MOST_LINES, _MOST_CHARACTERS, _WIDTH = 6, 100, 88
_UTILITIES = ("tree_flatten", "tree_map", "tree_map_with_path", "tree_merge", "tree_reduce", "tree_unflatten")
_FILE_BYTES = 16 << 20


def main() -> None:
    """Execute what standard input holds."""
    codes = json.load(sys.stdin)
    # What MLX itself prints must not mix with the results.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as results:
        os.dup2(2, 1)
        _limit()
        for code in codes:
            results.write(json.dumps(_executed(code)) + "\n")
            results.flush()


def _limit() -> None:
    """Limit processor time and the size of files; Windows has no such limits."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        seconds = int(os.environ.get("TENNY_CPU_SECONDS", "60"))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _executed(code: str) -> dict[str, str]:
    """Execute one piece of code in an empty folder; any error is its result."""
    mx.random.seed(0)
    mx.set_default_device(mx.cpu)
    names: dict[str, Any] = {"mx": mx, "nn": nn, "optim": optim, "__name__": "example"}
    names |= {name: getattr(mlx.utils, name) for name in _UTILITIES}
    printed, before = io.StringIO(), Path.cwd()
    with tempfile.TemporaryDirectory(dir=before) as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed):
                value = _run(code, names)
        except Exception as error:  # whatever the code raises
            return {"output": "", "error": f"{type(error).__name__}: {error}"}
        finally:
            os.chdir(before)
            names.clear()
    return {"output": "\n".join(filter(None, [printed.getvalue().rstrip(), value])), "error": ""}


def _run(code: str, names: dict[str, Any]) -> str:
    """Execute code; return the value of its last line as it is shown, an empty string where it has none."""
    tree = ast.parse(code)
    *others, last = tree.body
    if not isinstance(last, ast.Expr):
        exec(compile(tree, "example", "exec"), names)
        return ""
    exec(compile(ast.Module(others, []), "example", "exec"), names)
    return shown(eval(compile(ast.Expression(last.value), "example", "eval"), names))


def shown(value: object) -> str:
    """Return a value as an example shows it: in full where that is short, else arrays as their shape and dtype."""
    if value is None:
        return ""
    forms = (_text(value, in_full=True), _text(value, in_full=False), pformat(value, width=_WIDTH, compact=True))
    text = next(filter(_is_short, forms), "")
    return "" if " at 0x" in text else text


def _text(value: object, *, in_full: bool) -> str:
    if isinstance(value, mx.array):
        dtype = str(value.dtype).removeprefix("mlx.core.")
        return repr(_rounded(value)) if in_full and value.size <= _MOST_NUMBERS else f"{value.shape} {dtype}"
    if type(value) is dict:
        return "{" + ", ".join(f"{key!r}: {_text(one, in_full=in_full)}" for key, one in value.items()) + "}"
    if type(value) is list:
        return f"[{', '.join(_text(one, in_full=in_full) for one in value)}]"
    if type(value) is tuple:
        parts = [_text(one, in_full=in_full) for one in value]
        return f"({', '.join(parts)}{',' * (len(parts) == 1)})"
    return repr(value)


def _rounded(value: mx.array) -> mx.array:
    """Return a float32 array with four decimals, if it keeps its sense: the last digits differ between machines."""
    if value.dtype != mx.float32:
        return value
    rounded = mx.round(value, 4)
    is_lost = mx.any((mx.abs(value) > 0) & (mx.abs(value) < 1e-2) & (mx.abs(value - rounded) > 1e-7))
    return value if is_lost.item() else rounded


def _is_short(text: str) -> bool:
    lines = text.splitlines()
    return len(lines) <= _MOST_LINES and max(map(len, lines), default=0) <= _MOST_CHARACTERS


if __name__ == "__main__":
    main()
