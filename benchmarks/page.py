"""Write RESULTS.md and its chart from what the benchmarks have left in ``results/``: every number that they claim.

    python -m benchmarks.page

Each table names the command that makes it again, its date, machine and versions. Nothing is measured here.
"""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE, CHART = HERE / "RESULTS.md", HERE / "results.svg"
_Result = dict[str, Any]


def main() -> None:
    """Write the page and the chart."""
    PAGE.write_text(page(read_results()), encoding="utf-8")
    draw(read_results(), CHART)


def read_results(folder: Path = HERE / "results") -> dict[str, _Result]:
    """Return what each benchmark wrote, by its name."""
    return {file.stem: json.loads(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))}


def page(results: dict[str, _Result]) -> str:
    """Return the page."""
    blocks = [
        "# Results",
        "Written by `python -m benchmarks.page` from [results/](results); how each was measured, and what it does not"
        " say: [README.md](README.md). Runs of different days, or machines, are not to be compared; within a table all"
        " sides took turns in one run.",
        f"![Tenny beside other servers]({CHART.name})",
    ]
    for name, (title, command, lines) in SECTIONS.items():
        if name in results:
            about = _about(results[name], command)
            blocks.append(f"## {title}\n\n{about}\n\n" + "\n".join(lines(results[name])))
    return "\n\n".join(blocks) + "\n"


def _about(result: _Result, command: str) -> str:
    machine = result.get("machine", {})
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}" if machine else ""
    versions = ", ".join(f"{name} {version}" for name, version in result.get("versions", {}).items())
    return "; ".join(part for part in (f"`{command}`", result.get("date", ""), where, versions) if part)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Yield the lines of a table: its first column is text, the others are numbers."""
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(map(str, row))} |"


def _serve_speed(result: _Result) -> Iterator[str]:
    head = ("server", "`initialize`, s", "first hover, s", "hover p50, ms", "p95", "after an edit p50, ms", "p95")
    keys = ("initialize_s", "first_hover_s", "rest_p50_ms", "rest_p95_ms", "edited_p50_ms", "edited_p95_ms")
    rows = [(name, *(f"{found[key]:.2f}" for key in keys)) for name, found in result["median"].items()]
    yield from table(head, rows)


def _hover_answers(result: _Result) -> Iterator[str]:
    count = sum(result["cases"].values())
    rows = [(name, sum(right.values()), count) for name, right in result["right"].items()]
    yield from table(("server", "right", "of"), rows)


def _long_file(result: _Result) -> Iterator[str]:
    rows = [(name, f"{found['p50']:.1f}", f"{found['p95']:.1f}") for name, found in result["milliseconds"].items()]
    yield from table((f"hover in {result['lines']} lines, after an edit each", "p50, ms", "p95, ms"), rows)


def _completion_rank(result: _Result) -> Iterator[str]:
    shown = ("alphabetical", "frequency", "counts", "model", "counts and model")
    ranks = [(name, f"{found['all']:.3f}", f"{found['first']:.1%}") for name, found in result["rankings"].items()]
    yield from table(("ranking", "mean of 1 / rank", "first"), [row for row in ranks if row[0] in shown])
    yield ""
    rows = []
    for name, found in result["requests"].items():
        times = found["milliseconds"]
        speed = f"{statistics.median(times):.1f}", f"{statistics.quantiles(times, n=20)[-1]:.1f}"
        rows.append((name, f"{found['rank']:.3f}", f"{found['rank_later']:.3f}", *speed))
    yield from table(("over the protocol", "at the dot", "a keystroke later", "p50, ms", "p95, ms"), rows)


def _keystrokes(result: _Result) -> Iterator[str]:
    rows = [
        (name, found["lines"], f"{found['median']:.0f}", f"{found['worst']:.0f}")
        for name, found in result["milliseconds"].items()
    ]
    yield from table(("keystroke to diagnostics", "lines", "median, ms", "worst, ms"), rows)


def _model_at_work(result: _Result) -> Iterator[str]:
    rows = [(what, *(f"{result[what][key]:.1f}" for key in ("p50", "p95"))) for what in ("hover", "completion")]
    yield from table(("while the model answers", "p50, ms", "p95, ms"), rows)
    after = ", ".join(f"{seconds:.2f}" for seconds in result["answer_after_kill_s"])
    first = result["first_answer_s"]
    yield f"\nThe first answer {first:.2f} s after the start; after the model's process was killed: {after} s."
    sizes = ", ".join(f"{windows} {size:.0f} MiB" for windows, size in result["memory_mib"].items())
    yield f"\nThe models' processes, by windows: {sizes}."


def _reported_places(result: _Result) -> Iterator[str]:
    for part, what in (("seen", "files"), ("held out", "files that were held out")):
        if part != "seen":
            yield ""
        of = result[part]
        rows = [(name, found, of["places"], of["false"][name]) for name, found in of["found"].items()]
        yield from table((f"in {of['files']} {what}", "found", "of", "false"), rows)


def _pitfall_hits(result: _Result) -> Iterator[str]:
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in result["verdicts"].items())
    packages = ", ".join(f"{name} {version}" for name, version in result["packages"].items())
    yield f"{result['files']} files, {result['lines']} lines of {packages}: {verdicts}."


def _shape_rules(result: _Result) -> Iterator[str]:
    rows = [(where, found["with a rule"], found["names"]) for where, found in result["coverage"].items()]
    yield from table(("shape rules", "names with one", "of"), rows)
    calls = ", ".join(f"{count} {kind}" for kind, count in result["calls"].items())
    yield f"\n{sum(result['calls'].values())} random calls run on MLX ({calls}): {len(result['wrong'])} wrong."


def _shape_models(result: _Result) -> Iterator[str]:
    rows = [(what, f"{result[what]:.1%}") for what in ("right number of dimensions", "full shape")]
    yield from table((f"{result['assigned arrays']} assigned arrays of {result['models']} models", "share"), rows)
    yield f"\nWrong: {result['wrong']}."


def _train_speed(result: _Result) -> Iterator[str]:
    names = {"stock": "mlx_lm.lora", "stock_with_blas": "mlx_lm.lora, with Tenny's BLAS", "peft": "PyTorch + PEFT"}
    rows = []
    for name, found in result["medians"].items():
        speeds = f"{found['tokens_per_s']:.0f}", f"{found['tokens_per_cpu_s']:.0f}"
        mlx = f"{found['mlx_peak_mib']:.0f}" if "mlx_peak_mib" in found else ""
        rows.append((names.get(name, "Tenny"), *speeds, f"{found['peak_mib']:.0f}", mlx, f"{found['test_loss']:.3f}"))
    head = ("LoRA", "tokens/s", "tokens/CPU-s", "peak MiB, process", "MLX's count", "test loss")
    yield from table(head, rows)


def _decode_speed(result: _Result) -> Iterator[str]:
    rows = [
        (f"{load}: {side}", *(f"{statistics.median(column):.1f}" for column in list(zip(*runs, strict=True))[:2]))
        for load, sides in result["runs"].items()
        for side, runs in sides.items()
    ]
    yield from table((result["model"], "prefill, tokens/s", "decode, tokens/s"), rows)


def _flavoured(result: _Result) -> Iterator[str]:
    yield (
        f"{result['snippets']} snippets: {result['run as written']} run as written, {result['run after fix']} after the"
        f" safe fixes; of the others {result['do not, but the place is named']} are named."
    )


def _ask_questions(result: _Result) -> Iterator[str]:
    rows = [
        (half, found["questions"], found["first"], found["first three"])
        for half, found in result["shares"]["after"].items()
    ]
    yield from table(("questions", "asked", "a right source first", "among three"), rows)


def _choosing(result: _Result) -> Iterator[str]:
    for what, share in result["remarks"].items():
        yield f"- the remark that belongs to a comment, of eight, by {what}: {share:.0%}"


#: Result → title, command, and what writes its lines.
SECTIONS: dict[str, tuple[str, str, Callable[[_Result], Iterator[str]]]] = {
    "serve_speed": ("Start and hover", "python -m benchmarks.serve_speed", _serve_speed),
    "hover_answers": ("Hovers that are right", "python -m benchmarks.hover_answers", _hover_answers),
    "long_file": ("Hover while a long file is edited", "python -m benchmarks.long_file", _long_file),
    "completion_rank": ("Completion", "python -m benchmarks.completion_rank", _completion_rank),
    "keystrokes": ("Pitfalls while one types", "python -m benchmarks.keystrokes", _keystrokes),
    "model_at_work": ("Beside the model", "python -m benchmarks.model_at_work", _model_at_work),
    "reported_places": ("What people get wrong", "python -m benchmarks.reported_places", _reported_places),
    "pitfall_hits": ("Pitfalls in published packages", "python -m benchmarks.pitfall_hits", _pitfall_hits),
    "flavoured": ("PyTorch-flavoured MLX", "python -m benchmarks.flavoured", _flavoured),
    "shape_rules": ("Shapes: rules", "python -m benchmarks.shape_rules --calls 100000", _shape_rules),
    "shape_models": ("Shapes: models", "python -m benchmarks.shape_models", _shape_models),
    "train_speed": ("Training", "python -m benchmarks.train_speed", _train_speed),
    "decode_speed": ("Generation", "python -m benchmarks.decode_speed", _decode_speed),
    "ask_questions": ("Questions", "python -m benchmarks.ask_questions", _ask_questions),
    "choosing": ("Choosing remarks, embedded", "python -m benchmarks.choosing", _choosing),
    "choosing-smollm2": ("Choosing remarks, smollm2", "python -m benchmarks.choosing --model smollm2", _choosing),
}


def draw(results: dict[str, _Result], path: Path) -> None:
    """Draw Tenny beside the other servers: right hovers, starts, hovers and completions."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "tenny"  # the same ids each time
    mpl.rcParams["svg.fonttype"] = "none"  # text as text
    from matplotlib import pyplot as plt

    speed = results["serve_speed"]["median"]
    right = results["hover_answers"]["right"]
    count = sum(results["hover_answers"]["cases"].values())
    asked = results["completion_rank"]["requests"]
    panels: list[tuple[str, dict[str, float]]] = [
        ("right hovers, %", {name: 100 * sum(found.values()) / count for name, found in right.items()}),
        ("initialize, s", {name: found["initialize_s"] for name, found in speed.items()}),
        ("hover after an edit, p95 ms", {name: found["edited_p95_ms"] for name, found in speed.items()}),
        ("completion, p50 ms", {name: statistics.median(found["milliseconds"]) for name, found in asked.items()}),
        ("completion, 1 / rank", {name: found["rank"] for name, found in asked.items()}),
    ]
    figure, axes = plt.subplots(1, len(panels), figsize=(16, 2.6), layout="constrained")
    for axis, (title, values) in zip(axes, panels, strict=True):
        names = list(reversed(values))
        colours = ["#d9480f" if name.startswith("tenny") else "#adb5bd" for name in names]
        axis.barh(names, [values[name] for name in names], color=colours)
        axis.set_title(title, fontsize=10)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
        axis.bar_label(axis.containers[0], fmt="%.3g", fontsize=8, padding=2)
        axis.margins(x=0.18)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
