"""Are the shapes that Tenny reads from the text of MLX-LM's models those that the models have when they run?

    python -m benchmarks.shape_models

Each model file is imported, built with a tiny configuration and called once. While it runs, the shape and dtype of
every array that a line of the file assigns to a variable are recorded, and compared with what Tenny says of it
from the text. Within one run of a function each name must stand for one number, and those that come from the
configuration for what stands there. A model that cannot be built with guessed numbers is left out, and named in the
result.
"""

import argparse
import dataclasses
import importlib
import inspect
import json
import statistics
import subprocess
import sys
import time
import types
import typing
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx

from benchmarks.machine import machine, today
from benchmarks.shape_rules import name_of
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.inference.shapes.dimension import Expression, Floored, Symbol, Unknown
from tenny_lsp.inference.shapes.engine import ShapeEngine
from tenny_lsp.inference.shapes.values import Array, array_text
from tenny_lsp.mlx_api.environment import find_installed
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import every

#: Seconds after which a model is given up.
_PATIENCE_S = 15
RESULTS = Path(__file__).parent / "results" / "shape_models.json"
#: What a number of a configuration is guessed to be, by the first of these words that its name contains.
GUESSES: list[tuple[str, Any]] = [
    ("num_hidden_layers", 2), ("num_layers", 2), ("n_layer", 2), ("n_layers", 2), ("depth", 2),
    ("num_key_value_heads", 2), ("n_kv_heads", 2), ("kv_head", 2), ("num_attention_heads", 4), ("n_heads", 4),
    ("n_head", 4), ("num_heads", 4), ("head_dim", 8), ("qk_rope", 8), ("qk_nope", 8), ("v_head", 8),
    ("q_lora_rank", 12), ("kv_lora_rank", 16), ("lora", 8), ("moe_intermediate", 24), ("shared_expert_inter", 24),
    ("intermediate_size", 48), ("ffn", 48), ("inner", 48), ("hidden_size", 32), ("hidden_dim", 32), ("d_model", 32),
    ("n_embd", 32), ("dim", 32), ("embed", 32), ("experts_per_tok", 2), ("top_k", 2), ("topk_group", 1), ("n_group", 1),
    ("shared_experts", 1), ("experts", 4), ("vocab_size", 64), ("state_size", 8), ("conv_kernel", 3), ("d_conv", 3),
    ("kernel", 3), ("first_k_dense", 1), ("sliding_window", 8), ("window", 8), ("max_position", 64), ("max_seq", 64),
    ("n_ctx", 64), ("n_positions", 64), ("context", 64), ("rms_norm_eps", 1e-5), ("eps", 1e-5), ("theta", 10000.0),
    ("freq", 1), ("step", 1), ("scale", 1.0), ("scaling_factor", 1.0), ("multiplier", 1.0),
]  # fmt: skip


class Recorder:
    """Records the arrays that the lines of one file assign, run by run of each function."""

    def __init__(self, file: str, statements: dict[int, tuple[int, int, list[str]]]) -> None:
        self._file = file
        #: Line → the first and the last line of the assignment that it belongs to, and the names that that binds.
        self._statements = statements
        #: One list for each run of a function: line, name, shape, dtype.
        self.runs: list[list[tuple[int, str, tuple[int, ...], str]]] = []

    def trace(self, frame: types.FrameType, event: str, _: Any) -> Any:
        """Follow the functions of the file."""
        if event != "call" or frame.f_code.co_filename != self._file:
            return None
        run: list[tuple[int, str, tuple[int, ...], str]] = []
        self.runs.append(run)
        last = [0]

        def local(inner: types.FrameType, event: str, _argument: Any) -> Any:
            first, end, names = self._statements.get(last[0], (0, 0, []))
            if event == "return" or not first <= inner.f_lineno <= end:
                for name in names:
                    value = inner.f_locals.get(name)
                    if isinstance(value, mx.array):
                        run.append((first, name, tuple(value.shape), name_of(value.dtype)))
            last[0] = inner.f_lineno
            return local

        return local


def assigned_names(buffer: Buffer) -> dict[tuple[int, str], list[Any]]:
    """Return the assignments in functions, by first line and name: the binding, the function, the statement."""
    found: dict[tuple[int, str], list[Any]] = {}
    for node in every(buffer.root):
        if node.type != "function_definition":
            continue
        for name, bindings in buffer.bindings_in(node).items():
            for binding in bindings:
                target = buffer.root.descendant_for_byte_range(binding.position, binding.position)
                while target is not None and target.type not in ("assignment", "augmented_assignment", "block"):
                    target = target.parent
                if target is not None and target.type != "block" and "." not in name:
                    found.setdefault((target.start_point[0] + 1, name), []).append((binding, node, target))
    return found


def statements_of(assigned: dict[tuple[int, str], list[Any]]) -> dict[int, tuple[int, int, list[str]]]:
    """Return for each line the span of the assignment that it belongs to, and the names that that binds."""
    found: dict[int, tuple[int, int, list[str]]] = {}
    for (first, name), bindings in assigned.items():
        end = bindings[-1][2].end_point[0] + 1
        for line in range(first, end + 1):
            found.setdefault(line, (first, end, []))[2].append(name)
    return found


def guessed(name: str, kind: Any, default: Any) -> Any:
    """Return a small value for a field of a configuration."""
    if kind in (bool, "bool") or isinstance(default, bool):
        return default if isinstance(default, bool) else False
    for word, value in GUESSES:
        if word in name:
            return value
    if default is not dataclasses.MISSING:
        return 64 if isinstance(default, int) and default > 64 else default
    origin = typing.get_origin(kind)
    if kind is str:
        return "silu" if "act" in name else "default"
    if origin is list or kind is list:
        return []
    return 1.0 if kind is float else None if origin is typing.Union else {} if origin is dict else 2


def configuration(module: Any) -> Any:
    """Return a tiny configuration of a model."""
    values = {}
    hints = typing.get_type_hints(module.ModelArgs)
    for field in dataclasses.fields(module.ModelArgs):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        kind = hints.get(field.name)
        if default is None and "scaling" in field.name:
            continue
        if field.name == "model_type":
            values[field.name] = module.__name__.rpartition(".")[2]
            continue
        plain = [part for part in typing.get_args(kind) if part is not type(None)] or [kind]
        is_number = plain[0] in (int, float, bool) or isinstance(default, int | float)
        if is_number or default is dataclasses.MISSING:
            values[field.name] = guessed(field.name, plain[0], default)
    return module.ModelArgs(**values)


def recorded(name: str, statements: dict[int, tuple[int, int, list[str]]]) -> tuple[Recorder, Any]:
    """Return what one call of a model assigned, and its configuration."""
    module = importlib.import_module(f"mlx_lm.models.{name}")
    config = configuration(module)
    recorder = Recorder(inspect.getfile(module), statements)
    model = module.Model(config)
    sys.settrace(recorder.trace)
    try:
        out = model(mx.array([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [1, 1, 2, 2, 3]]))
    finally:
        sys.settrace(None)
    mx.eval(out)
    return recorder, config


class Run:
    """Checks what is said of the arrays of one run of a function."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self._numbers: dict[Any, int] = {}

    def agrees(self, said: Array, shape: tuple[int, ...], dtype: str) -> bool:
        """Return whether shape and dtype are what was said, with each name as one number."""
        if said.dtype is not None and said.dtype != dtype:
            return False
        if said.shape is None:
            return True
        if len(said.shape) != len(shape):
            return False
        for dimension, size in zip(said.shape, shape, strict=True):
            symbol = dimension.symbol if isinstance(dimension, Expression) else None
            if symbol is not None and self._number(symbol, size) != size:
                return False
        return all(
            isinstance(dimension, Unknown) or self._value(dimension) in (size, None)
            for dimension, size in zip(said.shape, shape, strict=True)
        )

    def _number(self, symbol: Symbol, size: int) -> int:
        if isinstance(symbol.key, tuple):
            value = getattr(self._config, str(symbol.key[1]), None)
            if isinstance(value, int):
                return value
        return self._numbers.setdefault(symbol.key, size)

    def _value(self, dimension: Any) -> int | None:
        if isinstance(dimension, int):
            return dimension
        total = 0
        for monomial, coefficient in dimension.terms:
            for atom in monomial:
                factor = self._atom(atom)
                if factor is None:
                    return None
                coefficient *= factor
            total += coefficient
        return total

    def _atom(self, atom: Symbol | Floored) -> int | None:
        if isinstance(atom, Floored):
            above, below = self._value(atom.numerator), self._value(atom.denominator)
            return above // below if above is not None and below else None
        if isinstance(atom.key, tuple):
            value = getattr(self._config, str(atom.key[1]), None)
            if isinstance(value, int):
                return value
        return self._numbers.get(atom.key)


def measured(path: Path, index: Any) -> dict[str, Any]:
    """Return what came of one model file; raises what the model raises."""
    buffer = Buffer(path.read_text("utf-8"))
    assigned = assigned_names(buffer)
    recorder, config = recorded(path.stem, statements_of(assigned))
    home, engine = Engine(buffer, index, Files((path.parents[1],)), path), ShapeEngine()
    start = time.thread_time()
    said: dict[tuple[int, str], Any] = {}
    for place, bindings in assigned.items():
        values = [engine.of_binding(home, binding, node) for binding, node, _ in bindings]
        said[place] = values[-1]
    seconds = time.thread_time() - start
    outcomes: dict[tuple[int, str], set[str]] = {}
    wrong: list[str] = []
    for run in recorder.runs:
        checked = Run(config)
        for line, name, shape, dtype in run:
            value = said[line, name]
            outcome = _outcome(value, checked, shape, dtype)
            outcomes.setdefault((line, name), set()).add(outcome)
            if outcome == "wrong":
                shown = array_text(value) if isinstance(value, Array) else repr(value)
                wrong.append(f"{path.name}:{line} {name}: {shown}, but {shape} {dtype}")
    counts = Counter("wrong" if "wrong" in found else min(found) for found in outcomes.values())
    return {"counts": counts, "wrong": sorted(set(wrong)), "seconds": seconds}


def _outcome(value: Any, run: Run, shape: tuple[int, ...], dtype: str) -> str:
    if not isinstance(value, Array):
        return "unknown" if isinstance(value, Unknown | Expression) else "wrong"
    if not run.agrees(value, shape, dtype):
        return "wrong"
    if value.shape is None:
        return "unknown"
    return "ndim" if any(isinstance(dimension, Unknown) for dimension in value.shape) else "full"


def alone(name: str) -> dict[str, Any]:
    """Return what came of one model in a process of its own, which MLX may end; of one that fails, why."""
    command = [sys.executable, "-m", "benchmarks.shape_models", "--one", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": "it takes too long"}
    last = done.stdout.strip().rpartition("\n")[2]
    return json.loads(last) if last.startswith("{") else {"failed": f"the process ended with {done.returncode}"}


def one(path: Path) -> dict[str, Any]:
    """Return what came of one model; of one that fails, why."""
    try:
        return measured(path, load_mlx_index())
    except (Exception, SystemExit) as error:  # whatever a model does with guessed numbers
        return {"failed": f"{type(error).__name__}: {error}"[:120]}


def main() -> None:
    """Run all models, print what is wrong and a summary, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--only", nargs="*", help="only these models")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--no-result", action="store_true")
    options = parser.parse_args()
    folder = find_installed("mlx_lm").folder / "models"
    if options.one:
        mx.set_default_device(mx.cpu)
        print(json.dumps(one(folder / f"{options.one}.py")))
        return
    files = [path for path in sorted(folder.glob("*.py")) if "class ModelArgs" in path.read_text("utf-8")]
    names = [path.stem for path in files if not options.only or path.stem in options.only]
    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(names, pool.map(alone, names), strict=True))
    sys.exit(report(found, None if options.no_result else RESULTS))


def report(found: dict[str, dict[str, Any]], file: Path | None) -> bool:
    """Print what came of the models, write it to a file, and return whether anything was wrong."""
    ran = {name: row for name, row in found.items() if "failed" not in row}
    left_out = {name: row["failed"] for name, row in found.items() if "failed" in row}
    total = sum((Counter(row["counts"]) for row in ran.values()), Counter())
    wrong = [text for row in ran.values() for text in row["wrong"]]
    arrays = max(sum(total.values()), 1)
    known = total["ndim"] + total["full"]
    right = {"right number of dimensions": known / arrays, "full shape": total["full"] / arrays}
    times = [row["seconds"] for row in ran.values()] or [0.0]
    summary = {"models": len(ran), "left out": len(left_out), "assigned arrays": arrays, "wrong": total["wrong"]}
    print("\n".join(wrong))
    print(summary | {name: f"{share:.1%}" for name, share in right.items()})
    print(f"a file: median {statistics.median(times) * 1000:.0f} ms, longest {max(times) * 1000:.0f} ms")
    if file is not None:
        about = {"date": today(), "machine": machine(), "mlx": version("mlx"), "mlx-lm": version("mlx-lm")}
        models = {name: row["counts"] for name, row in ran.items()}
        result = summary | right | {"wrong arrays": wrong, "by model": models, "why left out": left_out}
        file.write_text(json.dumps(about | result, indent=2) + "\n", "utf-8")
    return bool(wrong)


if __name__ == "__main__":
    main()
