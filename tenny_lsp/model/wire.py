"""Encode and decode the messages between the model worker and its client: one JSON object a line.

Requests go down the worker's stdin, events come up its stdout. A message is its dataclass's fields and a
``type``: ``{"type": "token", "id": 7, "text": " the"}``. Lines are ASCII: no character is ever cut in two.
"""

import json
from dataclasses import asdict, dataclass
from typing import get_args

#: Increased with every change that an older worker or client would misread.
VERSION = 7


@dataclass(frozen=True, slots=True)
class Generate:
    """Ask for a completion of ``prompt``.

    Args:
        id (int): The request's number, which its answers repeat.
        prompt (str): The whole prompt.
        max_tokens (int): The answer's limit.
        adapter (str | None): The folder of the adapter to answer with. ``None``: the bare base.
        stop (tuple[str, ...]): The answer ends before the first of these.
        temperature (float): 0 takes the likeliest token every time.
        seed (int): Decides the draws when ``temperature`` is not 0.
        is_chat (bool): Whether the prompt is a message, to be put into the base's chat template.
        top_p (float): Tokens are drawn from the likeliest that have this probability together.
    """

    id: int
    prompt: str
    max_tokens: int
    adapter: str | None = None
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    seed: int = 0
    is_chat: bool = False
    top_p: float = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Ask for several completions of one prompt, drawn in one batch.

    Args:
        id (int): The request's number, which its answers repeat.
        prompt (str): The whole prompt.
        count (int): How many.
        max_tokens (int): The limit of each.
        adapter (str | None): The folder of the adapter to answer with. ``None``: the bare base.
        stop (tuple[str, ...]): Each ends before the first of these.
        temperature (float): Below 1 the likely tokens are drawn more often.
        top_p (float): Only the likeliest tokens are drawn whose probabilities add up to this.
        seed (int): Decides the draws.
        is_chat (bool): Whether the prompt is a message, to be put into the base's chat template.
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
    is_chat: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """Ask how likely each name is to be written after a text, and to end there.

    Args:
        id (int): The request's number, which its answers repeat.
        text (str): What stands before the names.
        names (tuple[str, ...]): The names.
        adapter (str | None): The folder of the adapter to read with. ``None``: the bare base.
    """

    id: int
    text: str
    names: tuple[str, ...]
    adapter: str | None = None


@dataclass(frozen=True, slots=True)
class Choose:
    """Ask how likely each of several answers is to be the whole completion of ``prompt``.

    Args:
        id (int): The request's number, which its answers repeat.
        prompt (str): The whole prompt.
        answers (tuple[str, ...]): The answers, each as a completion is trained, a space before it included; a chat's
            begin without it.
        adapter (str | None): The folder of the adapter to read with. ``None``: the bare base.
        is_chat (bool): Whether the prompt is a message, to be put into the base's chat template.
    """

    id: int
    prompt: str
    answers: tuple[str, ...]
    adapter: str | None = None
    is_chat: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """Ask how likely one answer is to be the whole completion of each of several prompts.

    Args:
        id (int): The request's number, which its answers repeat.
        prompts (tuple[str, ...]): The prompts.
        answer (str): The answer, as a completion is trained, a space before it included; a chat's begins without it.
        adapter (str | None): The folder of the adapter to read with. ``None``: the bare base.
        is_chat (bool): Whether the prompts are messages, to be put into the base's chat template.
    """

    id: int
    prompts: tuple[str, ...]
    answer: str
    adapter: str | None = None
    is_chat: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a request early. It is still answered, by a ``Done`` whose reason is ``cancelled``."""

    id: int


@dataclass(frozen=True, slots=True)
class Leave:
    """Say that the client goes as usual: it, or another, may come back soon. One that was killed says nothing."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The first event: the process is up, nothing is loaded yet. Its fields are the same in every version."""

    version: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The base is loaded."""


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of an answer's text; never empty."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class SampleResult:
    """One of a ``Sample``'s completions, sent when it is complete.

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
        finish_reason (str): ``stop``, ``length`` or ``cancelled``.
    """

    id: int
    finish_reason: str


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """The answer to a ``Score``, a ``Choose`` or a ``Compare``.

    Args:
        id (int): The request.
        values (tuple[float, ...]): The natural logarithm of each one's probability, in the order in which they were
            given.
    """

    id: int
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Failure:
    """An error, with the texts of its ``TennyError``.

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


#: The requests that the model answers, one after the other.
Work = Generate | Sample | Score | Choose | Compare
Request = Work | Cancel | Leave
Event = Hello | Ready | Token | SampleResult | Done | ScoreResult | Failure
Message = Request | Event

_TYPES: dict[str, type[Message]] = {message.__name__.lower(): message for message in get_args(Message)}
#: The fields that JSON has as lists.
_TUPLES = ("stop", "names", "answers", "prompts", "values")


class WireError(ValueError):
    """A line is none of the messages."""


def encode(message: Message) -> bytes:
    """Return a message as one line of ASCII, line feed included."""
    fields = {"type": type(message).__name__.lower(), **asdict(message)}
    return json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Return the message that a line holds.

    Raises:
        WireError: The line is not JSON, or its type or fields are unknown.
    """
    try:
        fields = json.loads(line)
        message = _TYPES[fields.pop("type")]
        return message(**fields | {name: tuple(fields[name]) for name in _TUPLES if name in fields})
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WireError(f"not a message: {line[:80]!r}") from error
