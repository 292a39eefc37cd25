"""Every pitfall that Tenny sees in real MLX packages, each judged by hand, and how long a file takes.

    python -m benchmarks.pitfall_hits --folder .work/corpus

Wheels that are not in the folder are fetched by pip. ``pitfall_verdicts.tsv`` says of each hit whether it is one.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.machine import machine, today
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.source.buffer import Buffer
from tools.packages import Package, fetch, find

#: The versions that ``pitfall_verdicts.tsv`` judges: four that rules were written beside, and ten that were checked
#: afterwards, those on PyPI with the most MLX code.
PACKAGES = (
    "mlx-lm==0.32.2", "mlx-vlm==0.7.10", "mlx-audio==0.6.2", "mflux==0.24.0",
    "chuk-lazarus==0.4.1", "mlx-arsenal==0.17.0", "keras-mlx==0.0.1", "yolo-mlx==0.4.0", "mlx-transformers==0.3.0",
    "chatterbox-mlx==1.0.6", "mlx-tune==0.6.0", "textpolicy==0.1.11", "mlx-lm-lora==5.10.2", "mlx-boosting==1.0.0",
)  # fmt: skip
VERDICTS = Path("benchmarks/pitfall_verdicts.tsv")
RESULT = Path("benchmarks/results/pitfall_hits.json")
#: A file that counts as one of 2,000 lines.
_LONG = range(1800, 2300)


@dataclass(frozen=True)
class Hit:
    """A pitfall in a package: its line, and what was judged of it by hand, empty where nobody has."""

    package: str
    path: str
    line: int
    code: str
    text: str
    message: str
    verdict: str = ""


def check(
    package: Package, root: Path, index: ApiIndex, seconds: dict[str, float], lengths: dict[str, int]
) -> list[Hit]:
    """Return the hits in a package, unpacked under ``root`` so that its files see each other; time each file."""
    texts = dict(package.texts(r"\.py$"))
    for path, text in texts.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    files, rules, hits = Files((root,)), Rules(), []
    for path, text in texts.items():
        start = time.process_time()
        buffer = Buffer(text)
        found = pitfalls(Engine(buffer, index, files, root / path), rules)
        seconds[path], lengths[path] = time.process_time() - start, text.count("\n") + 1
        lines = text.split("\n")
        for pitfall in found:
            row = text.count("\n", 0, pitfall.start)
            hits.append(Hit(package.name, path, row + 1, pitfall.code, lines[row].strip(), pitfall.message))
    return hits


def judged(hits: list[Hit]) -> list[Hit]:
    """Return the hits with the verdicts of ``pitfall_verdicts.tsv``: package, path, code, text, verdict, why."""
    rows = [line.split("\t") for line in VERDICTS.read_text("utf-8").splitlines()] if VERDICTS.exists() else []
    verdicts = {tuple(row[:4]): row[4] for row in rows if len(row) == 6}
    return [
        Hit(**{**asdict(hit), "verdict": verdicts.get((hit.package, hit.path, hit.code, hit.text), "")}) for hit in hits
    ]


def show(hits: list[Hit], root: Path) -> None:
    """Print each hit with the lines around it."""
    for hit in hits:
        lines = (root / hit.path).read_text("utf-8").split("\n")
        print(f"\n{hit.package} {hit.path}:{hit.line} {hit.code} [{hit.verdict or 'not judged'}]\n  {hit.message}")
        for number in range(max(hit.line - 3, 0), min(hit.line + 2, len(lines))):
            print(f"  {'>' if number + 1 == hit.line else ' '} {lines[number]}")


def main() -> None:
    """Check the packages, print what is found and write the result."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, default=Path(".work/corpus"), help="where the wheels are kept")
    options.add_argument("--packages", nargs="+", default=list(PACKAGES))
    options.add_argument("--no-result", action="store_true", help="print only")
    given = options.parse_args()
    fetch(given.folder, given.packages)
    index, hits = load_mlx_index(), []
    seconds: dict[str, float] = {}
    lengths: dict[str, int] = {}
    versions = {}
    for name in given.packages:
        package = find(name, given.folder)
        if package is None:
            print(f"{name} is not there")
            continue
        versions[package.name] = package.version
        root = given.folder.parent / "pitfall_hits" / package.name
        found = judged(check(package, root, index, seconds, lengths))
        show(found, root)
        hits += found
    long = [seconds[path] for path, count in lengths.items() if count in _LONG]
    every = sorted(seconds.values())
    result = {
        "date": today(),
        "machine": machine(),
        "mlx": index.version,
        "packages": versions,
        "files": len(lengths),
        "lines": sum(lengths.values()),
        "cpu_ms_per_file": {
            "median": round(1000 * statistics.median(every), 1),
            "p95": round(1000 * every[int(0.95 * len(every))], 1),
            "p99": round(1000 * every[int(0.99 * len(every))], 1),
            "max": round(1000 * every[-1], 1),
        },
        "cpu_ms_of_about_2000_lines": {
            "files": len(long),
            "median": round(1000 * statistics.median(long), 1) if long else None,
            "max": round(1000 * max(long), 1) if long else None,
        },
        "verdicts": dict(Counter(hit.verdict or "not judged" for hit in hits)),
        "by_code": dict(Counter(hit.code for hit in hits).most_common()),
        "hits": [asdict(hit) for hit in hits],
    }
    print(json.dumps({key: value for key, value in result.items() if key != "hits"}, indent=2))
    if not given.no_result:
        RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
