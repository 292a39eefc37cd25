"""Find the uses of MLX in Python text and their contexts, which usage is counted and ranked by.

Lexical on purpose: the text may be unfinished, and millions of lines are read the same way when the counts are made.
"""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache

#: (alias, module) pairs.
Aliases = tuple[tuple[str, str], ...]
#: The owner of what stands after the dot of an array.
ARRAY = "mlx.core.array"
#: The kinds of context, in the order of ``Use.contexts``.
KINDS = (
    "two tokens", "three tokens", "five tokens", "calls", "target", "target's last word", "targets",
    "last two names", "function", "last name", "statement before",
)  # fmt: skip

_TOKEN = re.compile(
    r"""(?P<string>(?:\b[rbuf]{1,2})?(?:\"{3}(?:[^\\]|\\.)*?(?:\"{3}|\Z)|'{3}(?:[^\\]|\\.)*?(?:'{3}|\Z)
        |"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?))|(?P<comment>\#[^\n]*)|(?P<name>[^\W\d]\w*)|(?P<number>\d[\w.]*)
        |(?P<mark>\n|\*\*=?|//=?|->|:=|[=!<>+\-*/@%&|^]=|[^\s\w])""",
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)
_IMPORT = re.compile(
    r"^[ \t]*(?:import[ \t]+mlx\.(?P<module>core|nn|optimizers)[ \t]+as[ \t]+(?P<alias>\w+)"
    r"|from[ \t]+mlx[ \t]+import[ \t]+(?P<names>.*))",
    re.MULTILINE,
)
_FUNCTION = re.compile(r"^(?=[ \t]*(?:(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(|class[ \t]+\w+[ \t]*[:(]))", re.MULTILINE)
#: Tokens that cannot start a line inside of brackets: whatever is open there was never closed.
_STARTERS = {"def", "class", "return", "import", "with", "while", "try", "except", "raise", "assert", "@"}
_DIGITS = re.compile(r"_?\d+")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_NOT_ARRAYS = {"self", "np", "numpy", "torch", "F", "jnp", "math", "os"}
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_TOKENS_BEFORE = 5


@dataclass(frozen=True, eq=False)
class Members:
    """Owner (``mlx.core``, ``mlx.core.array``) → its public names. Compared by identity, to be the key of a cache."""

    of: Mapping[str, Set[str]]


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a name of MLX, which may not have been written yet.

    Args:
        owner (str): The module before the dot, or ``mlx.core.array``.
        name (str): The name; empty where it is yet to be written.
        contexts (tuple[str, ...]): Its context, one text for each of ``KINDS``.
        words (frozenset[str]): The words, in lower case, of the assignment's target and of the function that it is in.
    """

    owner: str
    name: str
    contexts: tuple[str, ...]
    words: frozenset[str]


def uses(text: str, members: Members) -> Iterator[Use]:
    """Yield the uses of MLX's modules, and of what may be an array's members, in a text."""
    aliases = module_aliases(text)
    if aliases:
        for part in _parts(text):
            yield from _uses_in(part, aliases, members)


def uses_before(text: str, owner: str, members: Members) -> tuple[Use, list[Use]]:
    """Return the use that is about to be written at the end of a text, and the earlier ones.

    Args:
        text (str): All text before the receiver (``mx`` in ``mx.``), or, for an array, before the dot.
        owner (str): The module that the receiver is, or ``ARRAY``.
        members (Members): The names that may be used.
    """
    aliases = module_aliases(text)
    *parts, last = _parts(text)
    scanner = _Scanner(aliases, members)
    earlier = [use for part in parts for use in _uses_in(part, aliases, members)]
    earlier += scanner.scan(last)
    scanner.begin_statement("")
    return scanner.use(owner, ""), earlier


def module_aliases(text: str) -> Aliases:
    """Return the aliases that a text's imports give to MLX's modules, each with its module."""
    found: dict[str, str] = {}
    for match in _IMPORT.finditer(text):
        if match["module"]:
            found[match["alias"]] = f"mlx.{match['module']}"
        else:
            for item in match["names"].strip("() ").split(","):
                words = item.split()
                if words and words[0] in ("core", "nn", "optimizers"):
                    found[words[-1]] = f"mlx.{words[0]}"
    return tuple(found.items())


def words_of(name: str) -> frozenset[str]:
    """Return the words of an identifier: ``self_attnNorm2`` gives self, attn and norm."""
    return frozenset(word.lower() for word in _CAPITAL.split(_DIGITS.sub("", name)) if word)


def _parts(text: str) -> list[str]:
    """Return a text split before each function and class, so that unchanged parts are found in the cache."""
    return _FUNCTION.split(text)


@lru_cache(maxsize=4096)
def _uses_in(part: str, aliases: Aliases, members: Members) -> tuple[Use, ...]:
    return tuple(_Scanner(aliases, members).scan(part))


class _Scanner:
    """Scans tokens, and keeps the context of the current one: statement, brackets, function, uses before it."""

    def __init__(self, aliases: Aliases, members: Members) -> None:
        self._aliases = dict(aliases)
        self._members = members.of
        self._tokens: list[str] = []
        self._brackets: list[str] = []
        self._function = ""
        self._start = 0
        self._target = self._target_before = ""
        self._first = self._first_before = ""
        self._start_before: list[str] = []
        self._last = ["", ""]

    def scan(self, text: str) -> Iterator[Use]:
        """Yield the uses in a text."""
        tokens = list(_tokens(text))
        end = 0  # of the last dotted name
        for place, token in enumerate(tokens):
            self.begin_statement(token)
            before = self._tokens[-1] if self._tokens else ""
            if before != "." and token in self._aliases:
                chain = list(self._chain(tokens, place))
                for owner, name in chain:
                    yield self.record(owner, name)
                end = place + 2 * max(1, len(chain))
            elif before == "." and place > end and self._may_be_array(token):
                self._tokens.pop()
                yield self.record(ARRAY, token)
                self._tokens.append(before)
            self._advance(token)

    def begin_statement(self, token: str) -> None:
        """Begin a statement if ``token``, the next one, is the first of one."""
        if self._tokens and self._tokens[-1] != "\n":
            return
        if token in _STARTERS:
            self._brackets.clear()
        if not self._brackets and token != "\n":
            if self._start < len(self._tokens):
                self._target_before, self._target = self._target, ""
                self._first_before, self._first = self._first, ""
                self._start_before = self._tokens[self._start : self._start + 2]
            self._start = len(self._tokens)

    def record(self, owner: str, name: str) -> Use:
        """Return the use of a name at this point, and remember it."""
        use = self.use(owner, name)
        self._last = [self._last[1], name]
        self._first = self._first or name
        return use

    def use(self, owner: str, name: str) -> Use:
        """Return the use of a name at this point; an empty name is yet to be written."""
        end = self._receiver_start() if owner == ARRAY else len(self._tokens)
        receiver = self._tokens[end:][-1:]
        tokens = self._tokens[max(0, end - _TOKENS_BEFORE) : end][::-1]
        one, two, three, four, five = (tokens + ["^"] * _TOKENS_BEFORE)[:_TOKENS_BEFORE]
        outer, opened = ["", "", *self._brackets][-2:]
        words = _CAPITAL.split(self._target)
        contexts = (
            (*receiver, one, *([] if receiver else [two])),
            (one, two, three),
            (*receiver, one, two) if receiver else (one, two, three, four, five),
            (opened, outer, one),
            (self._target, one),
            (words[-1], one, two),
            (self._target, self._target_before, self._first_before),
            (*self._last, one),
            (self._function, one),
            (self._last[1], one, two),
            (*self._start_before, self._first_before, one),
        )
        return Use(owner, name, tuple(map("\t".join, contexts)), words_of(self._target) | words_of(self._function))

    def _advance(self, token: str) -> None:
        before = self._tokens[-1] if self._tokens else ""
        if token in _OPENING:
            called = before if token == "(" and before.isidentifier() else ""
            self._brackets.append(token + called)
        elif token in _CLOSING and self._brackets:
            self._brackets.pop()
        elif token == "=" and not self._brackets and not self._target:
            self._target = before
        elif before in ("def", "class"):
            self._function = token
        if token != "\n" or before != "\n":
            self._tokens.append(_DIGITS.sub("", token) or token)

    def _chain(self, tokens: list[str], place: int) -> Iterator[tuple[str, str]]:
        """Yield (module, name) for each dot of the dotted name that starts with an alias."""
        owner = self._aliases[tokens[place]]
        while tokens[place + 1 : place + 2] == ["."] and place + 2 < len(tokens):
            name = tokens[place + 2]
            if name not in self._members.get(owner, ()):
                return
            yield owner, name
            owner, place = f"{owner}.{name}", place + 2

    def _receiver_start(self) -> int:
        """Return the index of the token where the dotted name starts that the tokens end with, or of the last argument.

        The last argument of a call predicts what comes next better than what is before the call.
        """
        place = len(self._tokens)
        if place and self._tokens[-1] in _CLOSING:
            place -= 1
        while place and (self._tokens[place - 1].isalnum() or self._tokens[place - 1].isidentifier()):
            place -= 1
            if not place or self._tokens[place - 1] != ".":
                break
            place -= 1
        return place

    def _may_be_array(self, name: str) -> bool:
        """Return whether the name after a dot may be a member of an array, as far as the text tells."""
        receiver = self._tokens[-2] if len(self._tokens) > 1 else ""
        return name in self._members.get(ARRAY, ()) and receiver not in self._aliases and receiver not in _NOT_ARRAYS


def _tokens(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "string":
            yield "'"
        elif kind == "number" and match[0] not in ("0", "1", "2"):
            yield "9"
        elif kind != "comment":
            yield match[0]
