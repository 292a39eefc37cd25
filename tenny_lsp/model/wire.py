"""The messages between the model worker and its client: one JSON object a line.

Requests go down the worker's stdin, events come up its stdout. A message is its dataclass's fields and a
``type``: ``{"type": "token", "id": 7, "text": " the"}``. Lines are ASCII: no character is ever cut in two.
"""

import json
from dataclasses import asdict, dataclass

#: Raised with every change that an older worker or client would misread.
VERSION = 4


@dataclass(frozen=True, slots=True)
class Generate:
    """Asks for a completion of ``prompt``.

    Args:
        id (int): Names the request in everything that follows.
        prompt (str): The whole prompt.
        max_tokens (int): The answer's limit.
        adapter (str | None): The folder of the adapter to answer with. ``None``: the bare base.
        stop (tuple[str, ...]): The answer ends before the first of these.
        temperature (float): 0 takes the likeliest token every time.
        seed (int): Decides the draws when ``temperature`` is not 0.
    """

    id: int
    prompt: str
    max_tokens: int
    adapter: str | None = None
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """Asks for several completions of one prompt, drawn in one batch.

    Args:
        id (int): Names the request in everything that follows.
        prompt (str): The whole prompt.
        count (int): How many.
        max_tokens (int): The limit of each.
        adapter (str | None): The folder of the adapter to answer with. ``None``: the bare base.
        stop (tuple[str, ...]): Each ends before the first of these.
        temperature (float): Below 1 the likely tokens are drawn more often.
        top_p (float): Only the likeliest tokens are drawn whose probabilities add up to this.
        seed (int): Decides the draws.
    """

    id: int
    prompt: str
    count: int
    max_tokens: int
    adapter: str | None = None
    stop: tuple[str, ...] = ()
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """Asks how likely each of some names is to be written after a text, and to end there.

    Args:
        id (int): Names the request in everything that follows.
        text (str): What stands before the names.
        names (tuple[str, ...]): The names.
        adapter (str | None): The folder of the adapter to read with. ``None``: the bare base.
    """

    id: int
    text: str
    names: tuple[str, ...]
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends a request early; it is still answered, by a ``Done`` whose reason is ``cancelled``."""

    id: int


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a ``Pong`` at once, whatever the model is doing."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Ends the worker at once."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first event: the process is up, nothing is loaded yet."""

    version: int
    pid: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The base is loaded.

    Args:
        seconds (float): From the process's first line of Python to here.
        base (str): The base's fingerprint, as ``tenny_lsp.model.identity`` makes it.
        device (str): ``gpu`` or ``cpu``.
        blas (str): Who multiplies matrices, as ``tenny_lsp.model.runtime`` names it.
        dtype (str | None): What the weights were converted to, as ``float32``. ``None``: left as they are.
        mlx (str): MLX's version.
    """

    seconds: float
    base: str
    device: str
    blas: str
    dtype: str | None
    mlx: str


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of an answer; never empty."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """One of a ``Sample``'s completions, sent when it has ended.

    Args:
        id (int): The request.
        text (str): The completion, without white space around it.
        likelihood (float): The mean of its tokens' log-probabilities.
        is_finished (bool): Whether it has come to its end; otherwise its limit has cut it.
    """

    id: int
    text: str
    likelihood: float
    is_finished: bool


@dataclass(frozen=True, slots=True)
class Done:
    """The end of an answer, or of the last of several.

    Args:
        id (int): The request.
        tokens (int): How many were generated, an end-of-sequence token included.
        seconds (float): From the start of prefill; time spent waiting in the queue is not in it.
        finish_reason (str): ``stop``, ``length`` or ``cancelled``.
    """

    id: int
    tokens: int
    seconds: float
    finish_reason: str


@dataclass(frozen=True, slots=True)
class Scores:
    """The answer to a ``Score``.

    Args:
        id (int): The request.
        values (tuple[float, ...]): The natural logarithm of each name's probability, in the order of the names.
        seconds (float): What it took; time spent waiting in the queue is not in it.
    """

    id: int
    values: tuple[float, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as a ``TennyError`` tells it.

    Args:
        kind (str): ``base``, ``adapter`` or ``worker``.
        what (str): What went wrong, naming the input.
        next_step (str): What the user can do about it.
        id (int | None): The request it ends. ``None``: the whole worker.
    """

    kind: str
    what: str
    next_step: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ``Ping``."""


#: What is answered by the model, one request after the other.
Work = Generate | Sample | Score
Request = Work | Cancel | Ping | Shutdown
Event = Hello | Ready | Token | Sampled | Done | Scores | Failure | Pong
Message = Request | Event

_TYPES: dict[str, type[Message]] = {
    message.__name__.lower(): message
    for message in (
        *(Generate, Sample, Score, Cancel, Ping, Shutdown),
        *(Hello, Ready, Token, Sampled, Done, Scores, Failure, Pong),
    )
}
_TUPLES = ("stop", "names", "values")


class WireError(ValueError):
    """A line is not one of the messages."""


def encode(message: Message) -> bytes:
    """Returns a message as one line of ASCII, line feed included."""
    fields = {"type": type(message).__name__.lower(), **asdict(message)}
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Returns the message that a line holds.

    Raises:
        WireError: The line is not JSON, or its type or fields are unknown.
    """
    try:
        fields = json.loads(line)
        message = _TYPES[fields.pop("type")]
        return message(**fields | {name: tuple(fields[name]) for name in _TUPLES if name in fields})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WireError(f"not a message: {line[:80]!r}") from error
