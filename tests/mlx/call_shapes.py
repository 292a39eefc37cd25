"""Calls of MLX's compiled functions that get as far as their arguments: values for each annotation."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import mlx.core as mx
import numpy as np

from tenny_lsp.mlx_api.entry import Parameter, Signature

ARRAY = mx.ones((4, 4))
#: A value of every kind, for an argument that nobody has said anything of.
VALUES: tuple[Any, ...] = (None, 1, True, ARRAY, (1, 1), mx.float32, "a", mx.cpu, 1.0)
#: What only holds for the process, or needs a machine that is not there.
UNTRIED = {
    "set_memory_limit", "set_cache_limit", "set_wired_limit", "set_default_device", "set_default_stream",
    "start_capture", "stop_capture", "clear_streams",
}  # fmt: skip
#: What stands in an annotation → values for it. Tried in this order.
_BY_WORD: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("Callable", (lambda *_, **__: mx.array(1.0),)),
    ("list[array]", ([ARRAY, ARRAY],)),
    ("Sequence[array]", ([ARRAY, ARRAY],)),
    ("dict[str, array", ({"a": ARRAY},)),
    ("dict[str, str]", ({"a": "b"},)),
    ("scalar", (1.0,)),
    ("array", (ARRAY,)),
    ("Dtype", (mx.float32, mx.floating)),
    ("Device", (mx.cpu,)),
    ("Stream", (mx.default_stream(mx.Device(mx.cpu)),)),
    ("bool", (True,)),
    ("float", (1.0,)),
    ("int", (1, (1, 1), (1,), [0, 1], (1, 1, 1), [(1, 1)])),
    ("str", ("a", "ij,jk->ik", "t.npy", "t.safetensors", "uint8", ["a"])),
    ("Literal", ("constant",)),
    ("file", ("t.npy", "t.safetensors", "t.gguf")),
    ("bytes", (b"a",)),
    ("DLPack", (np.ones(3),)),
    ("None", (None,)),
)


def receivers() -> dict[str, object]:
    """Return an instance of each of MLX's compiled classes, by the class's public name."""
    return {
        "mlx.core.array": ARRAY,
        "mlx.core.ArrayAt": ARRAY.at[0],
        "mlx.core.Device": mx.Device(mx.cpu, 0),
        "mlx.core.Stream": mx.default_stream(mx.Device(mx.cpu)),
        "mlx.core.custom_function": mx.custom_function(lambda *_, **__: ARRAY),
        "mlx.core.distributed.Group": mx.distributed.init(),
    }


def is_dispatched(function: Callable[..., object], arguments: list[Any], keywords: dict[str, Any]) -> bool:
    """Return whether a call gets into a function, whatever it does there."""
    try:
        function(*arguments, **keywords)
    except TypeError as error:
        said = str(error)
        return not any(words in said for words in ("incompatible function arguments", "keyword", "positional argument"))
    except Exception:
        return True
    return True


def values(parameter: Parameter) -> list[Any]:
    """Return values that may suit a parameter."""
    annotation = parameter.annotation.replace("mlx.core.", "")
    found = [value for word, some in _BY_WORD if word in annotation for value in some]
    return found or [0, ARRAY, "a", _BY_WORD[0][1][0]]


def least_call(function: Callable[..., object], overload: Signature) -> tuple[list[Any], dict[str, Any]] | None:
    """Return arguments of a call that gives an overload no more than it must have; None where none was found."""
    wanted = [one for one in overload.parameters if not one.default and not one.kind.startswith("variadic")]
    for chosen in itertools.islice(itertools.product(*map(values, wanted)), 3000):
        pairs = list(zip(wanted, chosen, strict=True))
        arguments = [value for one, value in pairs if one.kind != "keyword-only"]
        # MLX reads the first of ``*shape`` even where there is none: x.reshape() ends the process.
        arguments += [1] if any(one.kind == "variadic positional" for one in overload.parameters) else []
        keywords = {one.name: value for one, value in pairs if one.kind == "keyword-only"}
        if is_dispatched(function, arguments, keywords):
            return arguments, keywords
    return None


def variations(
    overload: Signature, arguments: list[Any], keywords: dict[str, Any], names: list[str]
) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """Yield calls with one argument more or less than a call, or with some given by name instead of by place."""
    for name in names:
        yield from ((arguments, {**keywords, name: value}) for value in VALUES if name not in keywords)
    for more in range(1, 8):
        yield from (([*arguments, *[value] * more], keywords) for value in VALUES)
    placed = [one.name for one in overload.parameters if one.kind in ("positional-only", "positional or keyword")]
    for count in range(len(arguments)):
        named = dict(zip(placed[count:], arguments[count:], strict=False))
        yield arguments[:count], {**named, **keywords}
        yield arguments[:count], keywords
        for name in named:
            yield arguments[:count], {**{key: named[key] for key in named if key != name}, **keywords}
    for name in keywords:
        yield arguments, {key: keywords[key] for key in keywords if key != name}
