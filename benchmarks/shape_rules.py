"""Are the rules of shapes and dtypes right? Random calls are run on MLX and compared, and the covered names counted.

    python -m benchmarks.shape_rules --calls 100000

Of the arguments some dimensions are replaced by symbols, some are forgotten, and so are some dtypes: what the rule then
says must still be what MLX returns. Unknown is never wrong, and is counted; a call that the rule says is certain to
raise must raise.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import mlx.core as mx
import mlx.nn as nn

from benchmarks.machine import machine, today
from benchmarks.shape_calls import MAKERS
from benchmarks.shape_calls import array as random_array
from benchmarks.shape_layer_calls import LAYER_MAKERS
from tenny_lsp.inference.shapes.dimension import UNKNOWN, Expression, Floored, Symbol, Unknown, symbol
from tenny_lsp.inference.shapes.rules.indexing import ELLIPSIS, Slice, indexed
from tenny_lsp.inference.shapes.rules.layers import LAYERS, constructed, layer_result
from tenny_lsp.inference.shapes.table import has_rule, rule_of
from tenny_lsp.inference.shapes.values import Array, Dtype, Items, Number, ShapeError
from tenny_lsp.mlx_api.index import load_mlx_index

RESULTS = Path(__file__).parent / "results" / "shape_rules.json"
#: Functions of ``mlx.core`` that neither take nor return arrays to be described: devices, memory, files, transforms.
NOT_ABOUT_ARRAYS = {
    "async_eval", "can_cast", "checkpoint", "clear_cache", "clear_streams", "compile", "default_device",
    "default_stream", "device_count", "device_info", "disable_compile", "enable_compile", "eval", "export_function",
    "export_to_dot", "exporter", "get_active_memory", "get_array_buffer_size", "get_cache_memory", "get_memory_limit",
    "get_peak_memory", "get_printoptions", "grad", "import_function", "is_available", "isdtype", "issubdtype", "jvp",
    "load", "new_stream", "new_thread_local_stream", "new_thread_unsafe_stream", "printoptions", "reset_peak_memory",
    "save", "save_gguf", "save_safetensors", "savez", "savez_compressed", "set_cache_limit", "set_default_device",
    "set_default_stream", "set_memory_limit", "set_printoptions", "set_wired_limit", "stream", "synchronize",
    "value_and_grad", "vjp", "vmap", "einsum_path",
}  # fmt: skip


@dataclass
class Comparison:
    """What came of one call.

    Attributes:
        kind (str): ``known``, ``part`` or ``unknown`` for what the rule said; ``refused``, where MLX raised; ``wrong``.
        text (str): Of a wrong one, the call and both answers.
    """

    kind: str
    text: str = ""


class Abstraction:
    """Turns the arguments of a call into values of the rules, and forgets some of what is known."""

    def __init__(self, random: Random, forgetting: float) -> None:
        self._random = random
        self._forgetting = forgetting

    def value(self, given: Any) -> Any:
        """Return an argument as a value."""
        if isinstance(given, mx.array):
            return self._array(given)
        if isinstance(given, mx.Dtype):
            return Dtype(name_of(given))
        if isinstance(given, list | tuple):
            return tuple(self.value(item) for item in given)
        return given

    def _array(self, given: mx.array) -> Array:
        dtype = None if self._random.random() < self._forgetting / 2 else name_of(given.dtype)
        if self._random.random() < self._forgetting / 4:
            return Array(None, dtype)
        return Array(tuple(self._dimension(size) for size in given.shape), dtype)

    def _dimension(self, size: int) -> Any:
        chance = self._random.random()
        if chance < self._forgetting / 4:
            return UNKNOWN
        return symbol(f"s{size}", size) if size and chance < self._forgetting else size


def name_of(dtype: mx.Dtype) -> str:
    """Return the name of a dtype, as ``Dtype`` has it."""
    return str(dtype).removeprefix("mlx.core.")


def value_of(dimension: Any) -> int:
    """Return the number that a dimension is, with each symbol of these calls as what its key says."""
    if isinstance(dimension, int):
        return dimension
    assert isinstance(dimension, Expression)
    total = 0
    for monomial, coefficient in dimension.terms:
        for atom in monomial:
            if isinstance(atom, Symbol):
                assert isinstance(atom.key, int)
                coefficient *= atom.key
            else:
                assert isinstance(atom, Floored)
                coefficient *= value_of(atom.numerator) // value_of(atom.denominator)
        total += coefficient
    return total


def compare_function(name: str, random: Random, forgetting: float = 0.0) -> Comparison:
    """Make a call of a function or method, run it, and compare what its rule says."""
    arguments, keywords = MAKERS[name](random)
    abstraction = Abstraction(random, forgetting)
    rule = rule_of(name)
    assert rule is not None, name
    values = [abstraction.value(argument) for argument in arguments]
    named = {key: abstraction.value(value) for key, value in keywords.items()}
    return _compared(
        f"{name}({values}, {named})", lambda: rule(*values, **named), lambda: _called(name, arguments, keywords)
    )


def compare_layer(name: str, random: Random, forgetting: float = 0.0) -> Comparison:
    """Make a layer and a call of it, run it, and compare what its rule says."""
    given, keywords, arguments = LAYER_MAKERS[name](random)
    abstraction = Abstraction(random, forgetting)
    values = tuple(abstraction.value(argument) for argument in arguments)
    full = f"mlx.nn.{name}"
    made = constructed(full, tuple(given), keywords)
    return _compared(
        f"{name}({given}, {keywords})({values})",
        lambda: layer_result(full, made, values, {}),
        lambda: getattr(nn, name)(*given, **keywords)(*arguments),
    )


def compare_index(random: Random, forgetting: float = 0.0) -> Comparison:
    """Take something out of an array by an index, and compare what the rule of indexing says."""
    array = random_array(random, 1, 4, [mx.float32])
    keys: list[Any] = []
    values: list[Any] = []
    for _ in range(random.randint(1, array.ndim + (random.random() < 0.05))):
        kind = random.choice(["int", "slice", "slice", "slice", "none", "dots", "array"])
        if kind == "dots" and ... in keys:
            kind = "slice"
        key = _key(random, kind)
        keys.append(key)
        values.append(_key_value(key))
    abstract = Abstraction(random, forgetting).value(array)
    index = keys[0] if len(keys) == 1 and random.random() < 0.5 else tuple(keys)
    return _compared(f"{abstract}[{keys}]", lambda: indexed(abstract, tuple(values)), lambda: array[index])


def _key(random: Random, kind: str) -> Any:
    if kind == "slice":
        parts = [random.choice([None, None, 0, 1, 2, -1, -2, 5]) for _ in range(2)]
        return slice(*parts, random.choice([None, None, 1, 2, -1]))
    if kind == "array":
        return mx.zeros(random.choice([(2,), (3, 1), (), (2, 2)]), mx.int32)
    return {"int": random.choice([0, -1, 1]), "none": None, "dots": ...}[kind]


def _key_value(key: Any) -> Any:
    if isinstance(key, slice):
        return Slice(key.start, key.stop, key.step)
    if isinstance(key, mx.array):
        return Array(tuple(key.shape), name_of(key.dtype))
    return ELLIPSIS if key is ... else key


def _called(name: str, arguments: list[Any], keywords: dict[str, Any]) -> Any:
    parts = name.split(".")[1:]
    if parts[:2] == ["core", "array"] and len(parts) == 3:
        owner: Any = arguments[0]
        found = getattr(owner, parts[2])
        return found(*arguments[1:], **keywords) if callable(found) else found
    found = {"core": mx, "nn": nn}[parts[0]]
    for part in parts[1:]:
        found = getattr(found, part)
    return found(*arguments, **keywords)


def _compared(text: str, said: Any, run: Any) -> Comparison:
    try:
        result: Any = said()
    except ShapeError as error:
        result = error
    try:
        real = run()
    except Exception as error:  # whatever MLX refuses a call with
        return Comparison("refused", str(error))
    if isinstance(result, ShapeError):
        return Comparison("wrong", f"{text} does not raise, but: {result}")
    if not agrees(result, real):
        return Comparison("wrong", f"{text} is {described(real)}, not {result}")
    return Comparison(_how_known(result))


def agrees(said: Any, real: Any) -> bool:
    """Return whether what a rule says is true of a value."""
    if isinstance(said, Unknown):
        return True
    if isinstance(said, Array):
        return isinstance(real, mx.array) and _is_of(said, real)
    if isinstance(said, Dtype):
        return said.name == name_of(real)
    if isinstance(said, Items):
        return all(agrees(said.each, item) for item in real)
    if isinstance(said, tuple):
        is_group = isinstance(real, list | tuple) and len(said) == len(real)
        return is_group and all(agrees(one, other) for one, other in zip(said, real, strict=True))
    if isinstance(said, Number):
        return type(real).__name__ == said.kind
    return bool(value_of(said) == real)


def _is_of(said: Array, real: mx.array) -> bool:
    if said.dtype is not None and said.dtype != name_of(real.dtype):
        return False
    if said.shape is None:
        return True
    known = zip(said.shape, real.shape, strict=False)
    return len(said.shape) == real.ndim and all(
        isinstance(one, Unknown) or value_of(one) == other for one, other in known
    )


def described(real: Any) -> str:
    """Return a value that MLX returned as text."""
    if isinstance(real, mx.array):
        return f"{real.shape} {name_of(real.dtype)}"
    return f"[{', '.join(described(item) for item in real)}]" if isinstance(real, list | tuple) else repr(real)


def _how_known(said: Any) -> str:
    if isinstance(said, Items):
        return "part"
    if isinstance(said, tuple):
        kinds = {_how_known(item) for item in said} or {"known"}
        return kinds.pop() if len(kinds) == 1 else "part"
    if isinstance(said, Array):
        if said.shape is None:
            return "unknown" if said.dtype is None else "part"
        return "part" if said.dtype is None or any(isinstance(d, Unknown) for d in said.shape) else "known"
    return "unknown" if isinstance(said, Unknown) else "known"


#: Makes one call from random numbers, forgets this share of what is known, and compares.
Compare = Callable[[Random, float], Comparison]


def subjects() -> Iterator[tuple[str, Compare]]:
    """Yield the name of each function, method or layer that is tried, and what compares it; indexing five times."""
    for name in MAKERS:
        yield name, partial(compare_function, name)
    for name in LAYER_MAKERS:
        yield f"mlx.nn.{name}", partial(compare_layer, name)
    yield from [("indexing", compare_index)] * 5


def coverage() -> dict[str, dict[str, Any]]:
    """Return how many of the names of MLX have a rule, and which have none."""
    index = load_mlx_index()
    found: dict[str, dict[str, Any]] = {}
    core = [
        n
        for n in dir(mx)
        if not n.startswith("_") and callable(getattr(mx, n)) and not isinstance(getattr(mx, n), type)
    ]
    groups = {"mlx.core": [f"mlx.core.{name}" for name in core if name not in NOT_ABOUT_ARRAYS]}
    for module in ("fast", "linalg", "fft", "random"):
        names = [n for n, entry in index.members(_entry(index, f"mlx.core.{module}")) if entry.kind == "function"]
        groups[f"mlx.core.{module}"] = [f"mlx.core.{module}.{name}" for name in names]
    methods = [
        n for n, entry in index.members(_entry(index, "mlx.core.array")) if entry.kind == "method" and n[0] != "_"
    ]
    groups["mlx.core.array"] = [f"mlx.core.array.{name}" for name in methods]
    layers = [n for n in dir(nn) if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)]
    groups["layers of mlx.nn"] = [f"mlx.nn.{name}" for name in layers if name not in ("Module", "Sequential")]
    for group, names in groups.items():
        missing = sorted(name for name in names if not has_rule(name))
        found[group] = {"names": len(names), "with a rule": len(names) - len(missing), "missing": missing}
    return found


def _entry(index: Any, name: str) -> Any:
    return index.resolve(name)


def main() -> None:
    """Compare as many calls as asked for, print what is wrong and a summary, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", help="only these names")
    parser.add_argument(
        "--verbose", action="store_true", help="print each name before its call: MLX may end the process"
    )
    parser.add_argument("--no-result", action="store_true")
    options = parser.parse_args()
    mx.set_default_device(mx.cpu)
    tried = [subject for subject in subjects() if not options.only or subject[0] in options.only]
    counts: dict[str, Counter[str]] = {name: Counter() for name, _ in tried}
    wrong: list[str] = []
    for number in range(options.calls):
        name, compare = tried[number % len(tried)]
        random = Random(f"{options.seed} {number}")
        if options.verbose:
            print(number, name, file=sys.stderr)
        found = compare(random, random.choice([0.0, 0.3, 0.8]))
        counts[name][found.kind] += 1
        if found.kind == "wrong":
            wrong.append(found.text)
            print(found.text)
    total = sum(counts.values(), Counter())
    covered = coverage()
    print(dict(total))
    silent = [name for name, counter in counts.items() if counter["refused"] == counter.total()]
    print("always refused:", silent)
    for group, row in covered.items():
        print(f"{group}: {row['with a rule']} of {row['names']}; without: {' '.join(row['missing'])}")
    if not options.no_result:
        about = {"date": today(), "machine": machine(), "mlx": version("mlx"), "seed": options.seed}
        untried = sorted(set(LAYERS) - {f"mlx.nn.{name}" for name in LAYER_MAKERS})
        result = {"calls": total, "wrong": wrong, "coverage": covered, "layers not tried": untried,
                  "by name": {name: dict(counter) for name, counter in sorted(counts.items())}}  # fmt: skip
        RESULTS.write_text(json.dumps(about | result, indent=2) + "\n", "utf-8")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
