"""How fast hovers and completions are while the model answers, how soon it does, and what memory several windows take.

    python -m benchmarks.model_at_work

One session of Tenny with its embedded model. While `tenny.ask` is being answered, again and again, names are hovered
over and completed, each after an edit. Then the model's process is killed by SIGKILL and asked again at once. At last
the memory of the models' processes is counted with one session and with two (`Pss`: shared pages in parts). Linux.
"""

import argparse
import json
import os
import signal
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.machine import machine, today
from benchmarks.session import Session, SessionError

RESULTS = Path(__file__).parent / "results" / "model_at_work.json"
#: Of what the model is asked, one after the other.
_NAMES = ("RMSNorm", "GRU", "Linear", "Conv1d", "Dropout", "Embedding", "LSTM", "LayerNorm", "GELU")
_TEXT = "import mlx.core as mx\nimport mlx.nn as nn\n\nx = mx.softmax(mx.zeros((2, 3)), axis=-1)\ny = mx.\n"
#: Kills of the model's process.
_KILLS = 3
#: How often the model is asked until it answers, and the seconds between.
_PATIENCE, _PAUSE_S = 200, 0.05


def main() -> None:
    """Measure, print a Markdown table and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=200, help="hovers and completions each (200)")
    parser.add_argument("--windows-model", default="embedded", help="the base whose memory is counted (embedded)")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    found = _measured(options.requests)
    found["memory_mib"] = {f"{count} of {options.windows_model}": _memory_mib(count, options) for count in (1, 2)}
    about = {"date": today(), "machine": machine(), "requests": options.requests}
    options.output.write_text(json.dumps(about | found, indent=2) + "\n", "utf-8")
    print("| | p50, ms | p95, ms |\n|---|---:|---:|")
    for what in ("hover", "completion"):
        print(f"| {what} while the model works | {found[what]['p50']:.1f} | {found[what]['p95']:.1f} |")
    after = ", ".join(f"{seconds:.2f}" for seconds in found["answer_after_kill_s"])
    print(f"\nFirst answer {found['first_answer_s']:.2f} s after the start; after a kill {after} s.")
    print(f"The models' processes, MiB, by windows: {found['memory_mib']}")


def _measured(count: int) -> dict[str, Any]:
    tenny = peers.servers()[0]
    with tempfile.TemporaryDirectory() as folder:
        workplace = Path(folder).resolve()
        document = workplace / "net.py"
        with Session(tenny.command, peers.environment(workplace / "home"), {}, workplace / "log") as session:
            session.initialize(workplace, {"model": {"path": "embedded"}})
            item = {"uri": document.as_uri(), "languageId": "python", "version": 0, "text": _TEXT}
            session.notify("textDocument/didOpen", {"textDocument": item})
            _ask(session, 0)
            first_answer_s = time.perf_counter() - session.started
            session.settle()
            work = _Work(session)
            taken: dict[str, list[float]] = {"hover": [], "completion": []}
            for number in range(count):
                for what, line, column in (("hover", 3, 8), ("completion", 4, 7)):
                    work.go_on()
                    _type(session, document, 2 * number + (what == "completion") + 1)
                    position = {"line": line, "character": column}
                    params = {"textDocument": {"uri": document.as_uri()}, "position": position}
                    taken[what].append(session.request(f"textDocument/{what}", params)[1] * 1000)
            kills = [_answer_after_kill_s(session, number) for number in range(_KILLS)]
            session.close()
    speeds = {
        what: {"p50": statistics.median(times), "p95": statistics.quantiles(times, n=20)[-1]}
        for what, times in taken.items()
    }
    return {**speeds, "questions": work.asked, "first_answer_s": first_answer_s, "answer_after_kill_s": kills}


def _memory_mib(count: int, options: argparse.Namespace) -> float:
    """Return what the models of several sessions take, all having answered."""
    tenny = peers.servers()[0]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        workplace = Path(folder).resolve()
        environment = peers.environment(workplace / "home")
        if "XDG_DATA_HOME" in os.environ:  # where the bases are that have been fetched
            environment["XDG_DATA_HOME"] = os.environ["XDG_DATA_HOME"]
        environment["XDG_RUNTIME_DIR"] = str(workplace / "run")  # none of the windows before
        (workplace / "run").mkdir(0o700)
        sessions = [Session(tenny.command, environment, {}, workplace / f"log-{n}") for n in range(count)]
        for session in sessions:
            stack.enter_context(session).initialize(workplace, {"model": {"path": options.windows_model}})
            _ask(session, 0)
        rollups = [Path(f"/proc/{child}/smaps_rollup") for session in sessions for child in session.children()]
        sizes = [
            line.split()[1] for rollup in rollups for line in rollup.read_text().splitlines() if line.startswith("Pss:")
        ]
        for session in sessions:
            session.close()
    return sum(map(int, sizes)) / 1024


class _Work:
    """Keeps the model at work: a question is asked as soon as the one before has been answered."""

    def __init__(self, session: Session) -> None:
        self._session, self._waiting = session, 0
        self.asked = 0

    def go_on(self) -> None:
        """Ask again if the model has answered."""
        if not self._waiting or self._waiting in self._session.answered:
            self.asked += 1
            self._waiting = self._session.start("workspace/executeCommand", _question(self.asked))


def _question(number: int) -> dict[str, object]:
    return {"command": "tenny.ask", "arguments": [f"What is nn.{_NAMES[number % len(_NAMES)]}?", False]}


def _ask(session: Session, number: int) -> None:
    """Ask until the model has answered: where it is not there, the documentation answers alone."""
    for attempt in range(_PATIENCE):
        answer, _ = session.request("workspace/executeCommand", _question(number * _PATIENCE + attempt))
        if answer["generated"]:
            return
        time.sleep(_PAUSE_S)
    raise SessionError("the model does not answer")


def _answer_after_kill_s(session: Session, number: int) -> float:
    """Return the seconds from the end of the model's process to its next answer."""
    for process in session.children():
        os.kill(process, signal.SIGKILL)
    killed = time.perf_counter()
    _ask(session, 1 + number)
    return time.perf_counter() - killed


def _type(session: Session, document: Path, version: int) -> None:
    """Insert a line at the end of the file, so that no answer can come from before."""
    end = {"line": 5, "character": 0}
    change = {"range": {"start": end, "end": end}, "text": f"# {version}\n"}
    identifier = {"uri": document.as_uri(), "version": version}
    session.notify("textDocument/didChange", {"textDocument": identifier, "contentChanges": [change]})


if __name__ == "__main__":
    main()
