"""Type at random in a real server: does it crash, lose or double an answer, hold another text than the editor, or grow?

    python -m benchmarks.fuzz_session --messages 1000000 --seed 3

Every message is one that an editor may send: documents are opened, edited in several places at once, replaced and
closed; hovers, completions, signatures, hints, diagnostics and fixes are asked for in between, some of them cancelled
at once; the texts are MLX code, broken anywhere, with astral characters, NUL, tabs and all three line ends. Ends with
status 1 if anything is wrong.
"""

import argparse
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

#: The real server, with one request more: what it holds to be the text of a document.
SERVER = """
from tenny_lsp.wiring import log_to_stderr, make_server
log_to_stderr()
server = make_server()
@server.feature("fuzz/text")
def text(params):
    return server.workspace.get_text_document(params.uri).source
server.start_io()
"""
#: What texts are made of.
PIECES = (
    *("import mlx.core as mx\n", "import mlx.nn as nn\n", "x = mx.zeros((2, 3))\n", "mx.softmax(x, axis=-1)", "mx."),
    *(
        "class Net(nn.Module):\n    def __call__(self, x):\n        return self.fc(x)\n",
        "nn.Linear(",
        ")",
        "@mx.compile\n",
    ),
    *("def f(x):\n\treturn x.reshape(2, 3)\n", "for _ in range(3):\n    mx.eval(x)\n", "x[x > 0]\n", "# TODO: fix\n"),
    *('"""doc', "'''", '"', "\\", "f'{", "(", "[", "]", "{", "}", ":", "x", " ", "=", ".", "\t", "    "),
    *("\n", "\r\n", "\r", "\0", "é", "𝔘", "🙂", "e\u0301", "\u2028", "\x0c", "\ufeff"),
)
_METHODS = ("hover", "completion", "signatureHelp", "inlayHint", "diagnostic", "codeAction", "inlineCompletion")
_LONGEST_TEXT = 3000
_MOST_DOCUMENTS = 4
_MOST_OPEN_REQUESTS = 32
_ANSWER_IN_S = 60.0
_LINE_END = re.compile(r"\r\n|\r|\n")


def position_at(text: str, offset: int) -> dict[str, int]:
    """Return an offset as the protocol counts: lines that end at one of three ends, and UTF-16 units."""
    ends = [end.end() for end in _LINE_END.finditer(text) if end.end() <= offset]
    start = ends[-1] if ends else 0
    return {"line": len(ends), "character": len(text[start:offset].encode("utf-16-le")) // 2}


class Typist:
    """Makes an editor's messages at random, and keeps the texts of its documents.

    Args:
        seed (int): The same seed makes the same messages.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._versions: Counter[str] = Counter()
        self.texts: dict[str, str] = {}

    def message(self) -> tuple[str, dict[str, Any], bool]:
        """Return a method, its parameters, and whether it is a request."""
        chance = self._random.random()
        if not self.texts or (chance < 0.01 and len(self.texts) < _MOST_DOCUMENTS):
            return "textDocument/didOpen", {"textDocument": self._opened()}, False
        uri = self._random.choice(list(self.texts))
        identifier = {"uri": uri}
        if chance < 0.015:
            del self.texts[uri]
            return "textDocument/didClose", {"textDocument": identifier}, False
        if chance < 0.5:
            self._versions[uri] += 1
            document = identifier | {"version": self._versions[uri]}
            return "textDocument/didChange", {"textDocument": document, "contentChanges": self._changes(uri)}, False
        return self._request(uri)

    def cancels(self) -> bool:
        """Return whether the request that was just made is cancelled."""
        return self._random.random() < 0.2

    def _opened(self) -> dict[str, Any]:
        uri = f"file:///fuzz/{self._random.randrange(100)}.py"
        self.texts[uri] = self._piece(20)
        self._versions[uri] += 1
        return {"uri": uri, "languageId": "python", "version": self._versions[uri], "text": self.texts[uri]}

    def _piece(self, most: int) -> str:
        return "".join(self._random.choices(PIECES, k=self._random.randint(0, most)))

    def _changes(self, uri: str) -> list[dict[str, Any]]:
        if self._random.random() < 0.05 or len(self.texts[uri]) > _LONGEST_TEXT:
            self.texts[uri] = self._piece(20)
            return [{"text": self.texts[uri]}]
        return [self._change(uri) for _ in range(self._random.randint(1, 3))]

    def _change(self, uri: str) -> dict[str, Any]:
        text = self.texts[uri]
        start = self._place(text)
        end = start if self._random.random() < 0.6 else max(start, min(self._place(text), start + 40))
        new = self._piece(3)
        end = _addressable(text, end)
        self.texts[uri] = text[:start] + new + text[end:]
        return {"range": {"start": position_at(text, start), "end": position_at(text, end)}, "text": new}

    def _place(self, text: str) -> int:
        return _addressable(text, self._random.randint(0, len(text)))

    def _request(self, uri: str) -> tuple[str, dict[str, Any], bool]:
        text, method = self.texts[uri], self._random.choice(_METHODS)
        at = position_at(text, self._place(text))
        whole = {"start": {"line": 0, "character": 0}, "end": position_at(text, len(text))}
        params: dict[str, Any] = {"textDocument": {"uri": uri}}
        if method in ("hover", "completion", "signatureHelp", "inlineCompletion"):
            params["position"] = at
        if method == "inlineCompletion":
            params["context"] = {"triggerKind": 1}
        if method in ("inlayHint", "codeAction"):
            params["range"] = whole
        if method == "codeAction":
            params["context"] = {"diagnostics": []}
        return f"textDocument/{method}", params, True


def _addressable(text: str, offset: int) -> int:
    """Return an offset that the protocol can name: not between the two characters of a line's end."""
    return offset - 1 if text[offset - 1 : offset + 1] == "\r\n" and offset else offset


@dataclass
class Outcome:
    """What a run has found.

    Args:
        messages (int): How many were sent.
        answers (dict[int, int]): Request → how often it was answered.
        errors (Counter[str]): Errors that were answered, but for cancellations.
        other_texts (list[str]): Documents whose text the server had otherwise.
        memory (list[int]): The server's memory in bytes, as it went on.
    """

    messages: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    other_texts: list[str] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    crash: str = ""

    @property
    def lost(self) -> int:
        """How many requests were not answered."""
        return sum(count == 0 for count in self.answers.values())

    @property
    def doubled(self) -> int:
        """How many requests were answered more than once."""
        return sum(count > 1 for count in self.answers.values())

    @property
    def is_well(self) -> bool:
        """Whether nothing was wrong."""
        return not (self.crash or self.lost or self.doubled or self.errors or self.other_texts)


class Session:
    """A session with a server process.

    Args:
        log (IO[bytes]): Where its stderr goes.
    """

    def __init__(self, log: IO[bytes]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([sys.executable, "-c", SERVER], stdin=pipe, stdout=pipe, stderr=log)
        self.outcome = Outcome()
        self._results: dict[int, Any] = {}
        self._changed = threading.Condition()
        self._sending = threading.Lock()
        self._ids = 0
        self._hearing = threading.Thread(target=self._hear, daemon=True)
        self._hearing.start()

    def close(self) -> None:
        """End the server, whatever it does, and close its pipes."""
        self.process.kill()
        self.process.wait()
        self._hearing.join(_ANSWER_IN_S)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]

    def ask(self, method: str, params: object) -> int:
        """Send a request and return its id."""
        self._ids += 1
        with self._changed:
            self.outcome.answers[self._ids] = 0
        self.send({"id": self._ids, "method": method, "params": params})
        return self._ids

    def request(self, method: str, params: object) -> Any:
        """Send a request and return its result."""
        number = self.ask(method, params)
        self.wait(0)
        return self._results.pop(number, None)

    def wait(self, most_open: int) -> None:
        """Wait until no more than so many requests are unanswered, or the server has ended.

        Raises:
            TimeoutError: It has been silent for a minute.
        """
        with self._changed:
            is_enough = lambda: self._open <= most_open or self.process.poll() is not None  # noqa: E731
            if not self._changed.wait_for(is_enough, _ANSWER_IN_S):
                raise TimeoutError(f"the server has been silent for {_ANSWER_IN_S:g} s")

    @property
    def _open(self) -> int:
        recent = range(max(1, self._ids - 200), self._ids + 1)
        return sum(self.outcome.answers[number] == 0 for number in recent)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message."""
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        with self._sending:
            self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
            self.process.stdin.flush()

    def memory(self) -> int:
        """Return the bytes of the server's memory."""
        found = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, text=True)
        return int(found.stdout or 0) * 1024

    def _hear(self) -> None:
        assert self.process.stdout is not None
        while header := self.process.stdout.readline():
            length = int(header.partition(b":")[2])
            while self.process.stdout.readline() != b"\r\n":
                pass
            message = json.loads(self.process.stdout.read(length))
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif "method" not in message:
                self._note(message)
        with self._changed:
            self._changed.notify_all()

    def _note(self, message: dict[str, Any]) -> None:
        number, outcome = message["id"], self.outcome
        with self._changed:
            outcome.answers[number] = outcome.answers.get(number, 0) + 1
            error = message.get("error")
            if error is not None and error["code"] != -32800:
                outcome.errors[f"{error['code']} {error['message']}"[:200]] += 1
            if error is None and len(self._results) < 1000 and isinstance(message["result"], str):
                self._results[number] = message["result"]
            self._changed.notify_all()


def fuzz(messages: int, seed: int, log: IO[bytes]) -> Outcome:
    """Send so many messages to a server, and return what came of it."""
    session, typist = Session(log), Typist(seed)
    outcome = session.outcome
    capabilities = {"textDocument": {"diagnostic": {}}}
    options = {"model": {"enabled": False}}
    first = {"processId": os.getpid(), "rootUri": None, "capabilities": capabilities, "initializationOptions": options}
    session.request("initialize", first)
    session.send({"method": "initialized", "params": {}})
    try:
        for number in range(messages):
            _send(session, typist)
            if number % max(1, messages // 100) == 0:
                session.wait(0)
                _compare(session, typist)
                outcome.memory.append(session.memory())
            outcome.messages += 1
        session.wait(0)
        _compare(session, typist)
        session.request("shutdown", None)
        session.send({"method": "exit"})
        status = session.process.wait(_ANSWER_IN_S)
        outcome.crash = f"it ended with status {status}" if status else ""
    except (BrokenPipeError, TimeoutError, subprocess.TimeoutExpired) as error:
        outcome.crash = f"{error!r}, status {session.process.poll()}"
    finally:
        session.close()
    return outcome


def _send(session: Session, typist: Typist) -> None:
    method, params, is_request = typist.message()
    if not is_request:
        session.send({"method": method, "params": params})
        return
    number = session.ask(method, params)
    if typist.cancels():
        session.send({"method": "$/cancelRequest", "params": {"id": number}})
    session.wait(_MOST_OPEN_REQUESTS)


def _compare(session: Session, typist: Typist) -> None:
    for uri, text in typist.texts.items():
        held = session.request("fuzz/text", {"uri": uri})
        if held != text:
            session.outcome.other_texts.append(f"{uri}: {text!r} is {held!r}"[:2000])


def main() -> None:
    """Parse the command line, type, and print what was found."""
    parser = argparse.ArgumentParser(description="Type at random in a real server.")
    parser.add_argument("--messages", type=int, default=20_000, help="how many are sent (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other messages")
    options = parser.parse_args()
    start_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("wb") as stream:
            outcome = fuzz(options.messages, options.seed, stream)
        said = log.read_text("utf-8", "replace")
    requests = len(outcome.answers)
    print(f"{outcome.messages:,} messages, {requests:,} requests, {time.perf_counter() - start_s:.0f} s")
    print(f"lost {outcome.lost}, doubled {outcome.doubled}, other texts {len(outcome.other_texts)}")
    print(outcome.crash or "no crash")
    for error, count in outcome.errors.most_common(10):
        print(f"{count} × {error}")
    if len(outcome.memory) > 10:
        tenth, last = outcome.memory[len(outcome.memory) // 10], outcome.memory[-1]
        print(f"memory after a tenth {tenth / 1e6:.0f} MB, at the end {last / 1e6:.0f} MB")
    if "Traceback" in said or not outcome.is_well:
        print("\n".join([*outcome.other_texts[:3], said[-6000:]]))
        sys.exit(1)


if __name__ == "__main__":
    main()
