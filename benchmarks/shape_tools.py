"""Of one small GPT, written in MLX and in PyTorch: which shapes does Tenny say of the one, and who says of the other?

    python -m benchmarks.shape_tools --peers PYTHON

``PYTHON`` is an interpreter with torch, torchshapeflow, and pyrefly, pyrefly-torch-stubs and pyrefly-shape-extensions
of one version. Every value that a function assigns to a variable counts if it is an array when the model runs. Its
shape is said in full, in part (an unknown dimension), or not; what is said is wrong where the run says otherwise. A
name must stand for one number within a run of its function, and those of the configuration for what that has.
"""

import argparse
import ast
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from typing import Any

from benchmarks.machine import machine, today
from benchmarks.nanogpt.record import places
from benchmarks.shape_models import assigned_names
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.shapes.engine import ShapeEngine
from tenny_lsp.inference.shapes.values import Array, array_text
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.source.buffer import Buffer

FOLDER = Path(__file__).parent / "nanogpt"
RESULTS = Path(__file__).parent / "results" / "shape_tools.json"
#: The configuration in ``main`` of the models, by the names that each tool has for it.
CONFIG = {"vocab_size": 97, "block_size": 24, "n_layer": 2, "n_head": 4, "n_embd": 32}
PYREFLY_NAMES = {"V": 97, "K": 24, "H": 4, "D": 32}
#: What stands for a dimension of which nothing is known.
_UNKNOWN = {"?", "int", "Any", "Unknown"}
_PEERS = ("pyrefly", "pyrefly-torch-stubs", "pyrefly-shape-extensions", "torchshapeflow", "torch")
_VERSIONS = "import importlib.metadata as m, json, sys; print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"

#: Function, variable, and which of the function's assignments to it is meant.
Place = tuple[str, str, int]


def tenny_says(path: Path) -> dict[Place, list[str]]:
    """Return the dimensions that Tenny says of the arrays assigned in a file."""
    buffer = Buffer(path.read_text("utf-8"))
    home, engine = Engine(buffer, load_mlx_index()), ShapeEngine()
    assigned = assigned_names(buffer)
    said: dict[Place, list[str]] = {}
    for place, (line, _, _) in places(ast.parse(buffer.text)).items():
        binding, function, _ = assigned[line, place[1]][-1]
        value = engine.of_binding(home, binding, function)
        if isinstance(value, Array) and value.shape is not None:
            said[place] = dimensions(array_text(value).partition(")")[0].strip("("))
    return said


def pyrefly_says(path: Path, python: str) -> dict[Place, list[str]]:
    """Return the dimensions that pyrefly reveals of the tensors assigned in a file."""
    lines = path.read_text("utf-8").splitlines()
    behind: dict[int, list[tuple[Place, int]]] = {}
    for place, (_, end, column) in places(ast.parse("\n".join(lines))).items():
        behind.setdefault(end, []).append((place, column))
    text, asked = ["from typing import reveal_type"], dict[int, Place]()
    for number, line in enumerate(lines, 1):
        text.append(line)
        for place, column in behind.get(number, ()):
            text.append(" " * column + f"reveal_type({place[1]})")
            asked[len(text)] = place
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy.write_text("\n".join(text) + "\n", "utf-8")
        command = [*pyrefly(python, copy), "--output-format", "json", "--min-severity", "info"]
        done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)
    said: dict[Place, list[str]] = {}
    for found in json.loads(done.stdout)["errors"]:
        revealed = re.fullmatch(r"revealed type: Tensor\[\[((?!.*\*tuple).*)\]\]", found["description"])
        if found["name"] == "reveal-type" and revealed:
            said[asked[found["line"]]] = dimensions(revealed[1])
        elif found["severity"] == "error":
            print(f"{path.name}: {found['description']}", file=sys.stderr)
    return said


def torchshapeflow_says(path: Path, python: str) -> dict[Place, list[str]]:
    """Return the dimensions that TorchShapeFlow says of the tensors assigned in a file."""
    done = subprocess.run(torchshapeflow(python, path), capture_output=True, text=True, check=False)
    lines = path.read_text("utf-8").splitlines()
    # What it says of a variable where that is assigned, and not where it is used.
    told = {
        (hover["line"], hover["name"]): hover["shape"]
        for hover in json.loads(done.stdout)["files"][0]["hovers"]
        if hover["kind"] == "value" and hover["column"] <= lines[hover["line"] - 1].find(" = ")
    }
    said: dict[Place, list[str]] = {}
    for place, (line, _, _) in places(ast.parse("\n".join(lines))).items():
        if (line, place[1]) in told:
            said[place] = dimensions(told[line, place[1]].strip("[]"))
    return said


def torchshapeflow(python: str, path: Path) -> list[str]:
    """Return the command that checks a file with TorchShapeFlow."""
    return [str(Path(python).with_name("tsf")), "check", "--json", str(path)]


def pyrefly(python: str, path: Path) -> list[str]:
    """Return the command that checks a file with pyrefly as it is configured by default."""
    return [python, "-m", "pyrefly", "check", "--preset", "default", "--python-interpreter-path", python, str(path)]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # pyrefly searches it, too


def dimensions(text: str) -> list[str]:
    """Return the dimensions that a shape's text names, by the commas outside of parentheses."""
    parts = re.findall(r"(?:[^,()]|\([^()]*\))+", text)
    return [part.strip() for part in parts if part.strip()]


def outcomes(said: dict[Place, list[str]], runs: list[list[Any]], names: dict[str, int]) -> dict[Place, str]:
    """Return for each array that was assigned: ``full``, ``part``, ``unknown`` or ``wrong``."""
    found: dict[Place, str] = {}
    for run in runs:
        known = dict(names)
        rows = [((function, variable, count), shape) for function, variable, count, shape in run]
        for place, shape in rows:
            for text, size in zip(said.get(place, ()), shape, strict=False):
                if text.isidentifier() and text not in _UNKNOWN:
                    known.setdefault(text, size)
        for place, shape in rows:
            outcome = _outcome(said.get(place), shape, known)
            found[place] = max(found.get(place, outcome), outcome, key=["full", "part", "unknown", "wrong"].index)
    return found


def _outcome(said: list[str] | None, shape: list[int], known: dict[str, int]) -> str:
    if said is None:
        return "unknown"
    pairs = list(zip(said, shape, strict=False))
    told = [(_value(text, known), size) for text, size in pairs if text not in _UNKNOWN]
    if len(said) != len(shape) or any(value not in (size, None) for value, size in told):
        return "wrong"
    return "full" if len(told) == len(shape) else "part"


def _value(text: str, known: dict[str, int]) -> int | None:
    """Return what a dimension is in a run; None where the run does not tell what a name in it stands for."""
    try:
        return int(eval(text, {}, known))
    except NameError:
        return None


def seconds(command: list[str], times: int = 5) -> float:
    """Return the median processor time of a command, all of its processes and threads together."""
    found = []
    for _ in range(times):
        before = getrusage(RUSAGE_CHILDREN)
        subprocess.run(command, capture_output=True, env=_environment(), check=False)
        after = getrusage(RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found)


def runs_of(python: str, path: Path) -> list[list[Any]]:
    """Return what the functions of a model assign when it runs."""
    command = [python, str(FOLDER / "record.py"), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[list[Any]] = json.loads(done.stdout)
    return found


def row(said: dict[Place, list[str]], runs: list[list[Any]], names: dict[str, int], time: list[str]) -> dict[str, Any]:
    """Return what came of one tool on one file."""
    found = outcomes(said, runs, names)
    counts = Counter(found.values())
    kinds = {kind: counts[kind] for kind in ("full", "part", "unknown", "wrong")}
    not_full = [f"{'.'.join(map(str, place))}: {kind}" for place, kind in sorted(found.items()) if kind != "full"]
    return {"assigned arrays": len(found), **kinds, "processor seconds": round(seconds(time), 2), "not full": not_full}


def main() -> None:
    """Compare the tools, print a line for each, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--peers", required=True, help="an interpreter with torch, pyrefly and its stubs")
    parser.add_argument("--tenny-only", metavar="FILE", type=Path, help=argparse.SUPPRESS)  # what is timed
    parser.add_argument("--no-result", action="store_true")
    options = parser.parse_args()
    if options.tenny_only:
        tenny_says(options.tenny_only)
        return
    names = ("gpt_mlx", "gpt_torch", "gpt_torch_shapes", "gpt_torch_flow")
    mlx, torch, shaped, flow = (FOLDER / f"{name}.py" for name in names)
    of_mlx, of_torch = runs_of(sys.executable, mlx), runs_of(options.peers, torch)
    for annotated in (shaped, flow):
        assert runs_of(options.peers, annotated) == of_torch, f"{annotated.name} is another program"
    alone = [sys.executable, "-m", "benchmarks.shape_tools", "--peers", options.peers, "--tenny-only", str(mlx)]
    rows = {
        "tenny, MLX, no annotations": row(tenny_says(mlx), of_mlx, CONFIG, alone),
        "pyrefly, PyTorch, shapes annotated": row(
            pyrefly_says(shaped, options.peers), of_torch, PYREFLY_NAMES, pyrefly(options.peers, shaped)
        ),
        "pyrefly, PyTorch, no annotations": row(
            pyrefly_says(torch, options.peers), of_torch, PYREFLY_NAMES, pyrefly(options.peers, torch)
        ),
        "TorchShapeFlow, PyTorch, shapes annotated": row(
            torchshapeflow_says(flow, options.peers), of_torch, {}, torchshapeflow(options.peers, flow)
        ),
    }
    for name, found in rows.items():
        print(name, {key: value for key, value in found.items() if key != "not full"})
    if not options.no_result:
        asked = subprocess.run([options.peers, "-c", _VERSIONS, *_PEERS], capture_output=True, text=True, check=True)
        about = {"date": today(), "machine": machine(), "versions": {"mlx": version("mlx"), **json.loads(asked.stdout)}}
        plain = torch.read_text("utf-8").splitlines()
        texts = {path.stem: path.read_text("utf-8").splitlines() for path in (shaped, flow)}
        added = {name: sum(line not in plain for line in lines) for name, lines in texts.items()}
        RESULTS.write_text(json.dumps({**about, "lines annotated": added, "tools": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
