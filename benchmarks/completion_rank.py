"""Where a completion puts the name that the author wrote: Tenny's ranking, with and without a model, and its peers.

    python -m benchmarks.completion_rank --install

The names are drawn from the packages that the tools keep out of the counts and of the base's training. The measure
is the mean of 1 / rank; a name that is not offered counts as 0.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.machine import machine, today
from benchmarks.session import Session, SessionError
from benchmarks.written import Written, choose
from tenny_lsp import locations
from tenny_lsp.features.ranking import ASKED, MODEL_SHARE, counted, mixed, read_before
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index
from tenny_lsp.mlx_api.usage import load_usage, members_of
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.identity import base_sha256
from tenny_lsp.source.completion_context import completion_context_at

RESULTS = Path(__file__).parent / "results" / "completion_rank.json"
#: Other shares of the model than the one that is used, to see what the choice matters.
_SHARES = (0.1, 0.2, 0.3, 0.5, 0.6, 0.7)
#: Between two keystrokes.
_PAUSE_S = 0.25

_Ranks = dict[str, list[int | None]]


def main() -> None:
    """Ranks the names in every way, prints Markdown tables and writes the results."""
    options = _arguments()
    if options.install:
        peers.install()
    index = load_mlx_index()
    names = choose(options.names, 0, options.work / "corpus", members_of(index))
    base = locations.expanded(options.model) if options.model else locations.embedded_base()
    ranks, score_ms = asyncio.run(_rank(names, index, base))
    sessions = _sessions(options, names[: options.requests])
    _report(options, names, ranks, score_ms, sessions, base)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--install", action="store_true", help="install the newest peers into .work/peers first")
    parser.add_argument("--names", type=int, default=1000, help="names to rank (1000)")
    parser.add_argument("--requests", type=int, default=120, help="of these, how many each server is asked for (120)")
    parser.add_argument("--servers", nargs="*", help="only these of the peers")
    parser.add_argument("--model", default="", help="a base model's folder; default: the embedded one")
    parser.add_argument("--work", type=Path, default=Path(".work"), help="the folder of tools.pretrain_base")
    parser.add_argument("--output", type=Path, default=RESULTS)
    return parser.parse_args()


async def _rank(names: list[Written], index: ApiIndex, base: Path) -> tuple[_Ranks, list[float]]:
    """Return the ranks of all names by every ranking, and how long the model took for each."""
    members = {owner: sorted(found) for owner, found in members_of(index).of.items()}
    ranks: _Ranks = defaultdict(list)
    score_ms: list[float] = []
    model = WorkerModel(WorkerOptions(base))
    await model.load()
    for place in names:
        candidates = members[place.owner]
        context = completion_context_at(place.unfinished, place.offset)
        assert context is not None and context.kind == "member", place
        by_counts = counted(place.unfinished, context, place.owner, candidates, index)
        likeliest = sorted(zip(by_counts, candidates, strict=True), key=lambda pair: (-pair[0], pair[1]))[:ASKED]
        asked = [name for _, name in likeliest]
        start = time.perf_counter()
        heard = dict(zip(asked, await model.score(read_before(place.text, place.offset), asked), strict=True))
        score_ms.append((time.perf_counter() - start) * 1000)
        frequency = [float(load_usage().frequency(place.owner, name)) for name in candidates]
        least = min(heard.values())
        scores = {
            "alphabetical": [float(-rank) for rank in range(len(candidates))],
            "frequency": frequency,
            "counts": by_counts,
            "model": [heard.get(name, least - 1) for name in candidates],
            "counts and model": mixed(by_counts, candidates, heard),
        }
        for share in _SHARES:
            scores[f"the model's share {share}"] = mixed(by_counts, candidates, heard, share)
        written = candidates.index(place.name)
        for ranking, values in scores.items():
            ranks[ranking].append(1 + sum(value > values[written] for value in values))
    await model.close()
    return ranks, score_ms


def _sessions(options: argparse.Namespace, names: list[Written]) -> dict[str, dict[str, Any]]:
    """Return what each server's sessions gave: Tenny's twice, with facts only and with its model."""
    found: dict[str, dict[str, Any]] = {}
    tenny, *others = peers.servers()
    with_model = {"model": {"enabled": True, "path": options.model}}
    taking_part = [(tenny.name, tenny, tenny.options), (f"{tenny.name} with its model", tenny, with_model)]
    wanted = [server for server in others if options.servers is None or server.name in options.servers]
    taking_part += [(server.name, server, server.options) for server in wanted]
    for title, server, values in taking_part:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found[title] = _session(server, values, Path(folder).resolve(), names)
            except (OSError, SessionError) as error:
                if server is tenny:
                    raise
                print(f"{title} is left out (--install installs it): {error}", file=sys.stderr)
                continue
        print(f"{title}: {_mrr(found[title]['ranks']):.3f}", file=sys.stderr)
    return found


def _session(server: peers.Server, values: object, workplace: Path, names: list[Written]) -> dict[str, Any]:
    """Return the ranks a server gives the names and the milliseconds it takes, at the dot and a keystroke later.

    A file is opened, and a moment later the line is typed up to the dot, the last two keys as one types. The second
    request stands where the first did, so that both rank the same; what a late model had to say is there.
    """
    environment = peers.environment(workplace / "home")
    found: dict[str, list[Any]] = {"ranks": [], "milliseconds": [], "ranks_later": [], "milliseconds_later": []}
    with Session(server.command, environment, server.settings, workplace / "log") as session:
        session.initialize(workplace, values)
        for number, place in enumerate([names[0], *names]):  # the first, which loads what there is to load, twice
            uri = (workplace / f"place_{number}.py").as_uri()
            item = {"uri": uri, "languageId": "python", "version": 0, "text": place.untyped}
            session.notify("textDocument/didOpen", {"textDocument": item})
            time.sleep(_PAUSE_S)
            _type(session, uri, place)
            for when in ("", "_later"):
                rank, seconds = _completion(session, uri, place)
                found[f"ranks{when}"].append(rank)
                found[f"milliseconds{when}"].append(seconds * 1000)
                time.sleep(_PAUSE_S if number else 20 * _PAUSE_S)
            session.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        session.close()
    return {what: measured[1:] for what, measured in found.items()}


def _type(session: Session, uri: str, place: Written) -> None:
    """Insert the line up to the last letter before the dot, then type that letter and the dot."""
    line, typed = place.text.count("\n", 0, place.offset), 0
    for number, text in enumerate((place.line[:-2], place.line[-2], place.line[-1]), start=1):
        start = {"line": line, "character": typed}
        change = {"range": {"start": start, "end": start}, "text": text}
        document = {"uri": uri, "version": number}
        session.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        typed += len(text.encode("utf-16-le")) // 2
        if number < 3:
            time.sleep(_PAUSE_S)


def _completion(session: Session, uri: str, place: Written) -> tuple[int | None, float]:
    before = place.text[: place.offset]
    line = before.rsplit("\n", 1)[-1]
    position = {"line": before.count("\n"), "character": len(line.encode("utf-16-le")) // 2}
    params = {"textDocument": {"uri": uri}, "position": position}
    result, seconds = session.request("textDocument/completion", params)
    items = (result["items"] if isinstance(result, dict) else result) or []
    ordered = sorted(items, key=lambda item: item.get("sortText") or item["label"])
    labels = [item["label"].partition("(")[0].strip() for item in ordered]
    return labels.index(place.name) + 1 if place.name in labels else None, seconds


def _mrr(ranks: list[int | None]) -> float:
    return sum(1 / rank for rank in ranks if rank) / len(ranks)


def _first(ranks: list[int | None]) -> float:
    return sum(rank == 1 for rank in ranks) / len(ranks)


def _report(
    options: argparse.Namespace,
    names: list[Written],
    ranks: _Ranks,
    score_ms: list[float],
    sessions: dict[str, dict[str, Any]],
    base: Path,
) -> None:
    packages = sorted({place.package for place in names})
    print(f"\nMean reciprocal rank of {len(names)} names:\n\n| ranking | all | first | {' | '.join(packages)} |")
    print("|---" * (3 + len(packages)) + "|")
    table = {}
    for ranking, found in ranks.items():
        by_package = {p: [r for r, place in zip(found, names, strict=True) if place.package == p] for p in packages}
        table[ranking] = {"all": _mrr(found), "first": _first(found)} | {p: _mrr(by_package[p]) for p in packages}
        print(f"| {ranking} | " + " | ".join(f"{value:.3f}" for value in table[ranking].values()) + " |")
    print(f"\n{options.requests} requests:\n")
    print("| server | at the dot | a keystroke later | p50 / p95 | a keystroke later |\n|---|---|---|---|---|")
    requests = {}
    for title, found in sessions.items():
        times = {when: _times(found[f"milliseconds{when}"]) for when in ("", "_later")}
        requests[title] = {"rank": _mrr(found["ranks"]), "rank_later": _mrr(found["ranks_later"]), **found}
        spans = " | ".join(f"{p50:.1f} / {p95:.1f} ms" for p50, p95 in times.values())
        print(f"| {title} | {_mrr(found['ranks']):.3f} | {_mrr(found['ranks_later']):.3f} | {spans} |")
    print(f"\nThe model's scores of {ASKED} names: p50 / p95 {' / '.join(f'{ms:.0f}' for ms in _times(score_ms))} ms")
    result = {
        "date": today(),
        "machine": machine() | {"python": platform.python_version()},
        "load_average": os.getloadavg(),  # times on a busy machine say little; ranks do not mind
        "versions": {name: version(name) for name in ("mlx", "mlx-lm", "pygls")} | peers.versions(),
        "base_sha256": base_sha256(base),
        "model_share": MODEL_SHARE,
        "names": [f"{place.package} {place.path}:{place.offset} {place.owner}.{place.name}" for place in names],
        "rankings": table,
        "score_ms": _times(score_ms),
        "requests": requests,
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n")


def _times(milliseconds: list[float]) -> tuple[float, float]:
    return statistics.median(milliseconds), statistics.quantiles(milliseconds, n=20)[-1]


if __name__ == "__main__":
    main()
