"""Entries and foreign names → questions with true answers."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.excerpt import (
    call,
    documented_parameters,
    excerpt,
    first_sentence,
    parameter_line,
    replacement,
    returns_line,
)
from tenny_lsp.mlx_api.foreign import LIBRARIES, ForeignName, names_elsewhere
from tenny_lsp.mlx_api.markdown import sentences
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.model.prompts import WORDINGS, completion, hover_question, prompt_of

#: Wordings an answer is asked for in, drawn anew for each name: together the names see them all.
_WORDINGS_AN_ANSWER = {"what": 6, "arguments": 3, "parameter": 1, "returns": 3, "call": 3, "how": 3, "foreign": 3}
_SHARE_WITH_ANOTHER = 0.3
_VERB = re.compile(r"(?:[Aa]n? (?:operation|function|layer) (?:that|to) )?([A-Z]?[a-z]+)(?= )")
#: The verbs that docstrings begin with; a summary that begins otherwise names a thing, not a deed.
_DEED = re.compile(
    "add|apply|broadcast|build|calculate|cast|check|clear|clip|compute|concatenate|construct|convert|count|create|decode"
    "|dequantize|deserialize|divide|draw|encode|evaluate|expand|extract|fill|find|flatten|freeze|gather|generate|get"
    "|insert|join|list|load|make|move|multiply|pad|perform|permute|print|quantize|remove|repeat|replace|reshape|return"
    "|roll|round|sample|save|scatter|select|set|shift|sort|split|squeeze|stack|start|stop|subtract|swap|synchronize|take"
    "|test|tile|transform|transpose|unflatten|unfreeze|update|view|wait"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One question and its answer, ready to be learned.

    Args:
        prompt (str): What the model is given.
        completion (str): What it should say next.
        source (str): The public name (or the foreign one) that the answer was taken from.
        kind (str): A key of ``prompts.WORDINGS``.
    """

    prompt: str
    completion: str
    source: str
    kind: str


def entry_rows(entry: ApiEntry, beside: Sequence[str], *, is_first_of_its_name: bool, reads: bool) -> Iterator[Row]:
    """Yields the rows of one entry: what it is, its arguments, what it returns, how it is called, what it is for.

    Args:
        entry (ApiEntry): The entry.
        beside (Sequence[str]): Other entries' documentation, which may stand beside its own in a prompt.
        is_first_of_its_name (bool): Whether its bare name (``reshape``) means this entry rather than another.
        reads (bool): Whether prompts carry the documentation.
    """
    forms = [customary_name(entry.name), entry.name]
    if is_first_of_its_name:
        forms.insert(1, entry.short_name)
    choice, neighbours = random.Random(entry.name), random.Random(entry.name)
    own = excerpt(entry, customary_name(entry.name)) if reads else ""
    if entry.summary and _is_mlx(entry):
        yield _row(prompt_of(hover_question(customary_name(entry.name)), own), what_answer(entry), entry.name, "what")
    for kind, wording, answer in _asked(entry, choice):
        question = wording.replace("{name}", choice.choice(forms))
        documentation = _with_another(own, beside, neighbours) if reads else ""
        yield _row(prompt_of(question, documentation), answer, entry.name, kind)


def foreign_rows(foreign: ForeignName, *, reads: bool) -> Iterator[Row]:
    """Yields the rows that say what MLX has instead of a torch, numpy or jax name."""
    documentation = replacement(foreign, customary_name(foreign.mlx or ""))
    for wording in _drawn(WORDINGS["foreign"], "foreign", random.Random(foreign.name)):
        question = wording.format(foreign=foreign.name)
        yield _row(prompt_of(question, documentation if reads else ""), documentation, foreign.name, "foreign")


def first_of_their_name(entries: Iterable[ApiEntry]) -> set[str]:
    """Returns the public names that a bare last component means: the least nested of those that share it."""
    first: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: (entry.name.count("."), entry.name)):
        first.setdefault(entry.short_name, entry.name)
    return set(first.values())


def what_answer(entry: ApiEntry) -> str:
    """Returns what an entry is, in the book's form: its name, its summary, and what others call it."""
    summary = sentences(entry.summary)
    stop = "" if summary.endswith((".", "!", "?")) else "."
    called = [f"{LIBRARIES[name.partition('.')[0]]} calls it {name}" for name in names_elsewhere(entry.name)]
    elsewhere = f" {', '.join(called)}." if called else ""
    return f"{entry.name} {summary}{stop}{elsewhere}"


def task(summary: str) -> str:
    """Returns the deed that a summary describes, ``compute the mean``; an empty string where it describes a thing."""
    said = first_sentence(summary)
    found = _VERB.match(said)
    if not found:
        return ""
    verb = found[1].lower()
    for base in (verb, verb.removesuffix("s"), verb.removesuffix("es"), verb.removesuffix("ies") + "y"):
        if _DEED.fullmatch(base):
            return base + said[found.end() :]
    return ""


def _asked(entry: ApiEntry, choice: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yields (kind, wording, answer) for everything that is known of an entry."""
    called = customary_name(entry.name)
    # What is not MLX's is not asked about as if it were.
    wordings = {
        kind: [wording for wording in known if _is_mlx(entry) or "mlx" not in wording.lower()]
        for kind, known in WORDINGS.items()
    }
    answers = {"what": what_answer(entry) if entry.summary else ""}
    if deed := task(entry.summary):
        wordings["how"] = [wording.replace("{task}", deed) for wording in wordings["how"]]
        answers["how"] = f"Use {call(entry, called)}. {sentences(entry.summary)}"
    if entry.signatures:
        answers["arguments"] = _arguments_answer(entry)
        answers["call"] = call(entry, called)
        answers["returns"] = f"{entry.name} returns {said}." if (said := returns_line(entry)) else ""
    for kind, answer in answers.items():
        if answer:
            yield from ((kind, wording, answer) for wording in _drawn(wordings[kind], kind, choice))
    for item in documented_parameters(entry):
        for wording in _drawn(wordings["parameter"], "parameter", choice):
            yield "parameter", wording.replace("{parameter}", item.name), f"{parameter_line(item)}."


def _drawn(wordings: Sequence[str], kind: str, choice: random.Random) -> list[str]:
    return choice.sample(wordings, min(_WORDINGS_AN_ANSWER[kind], len(wordings)))


def _is_mlx(entry: ApiEntry) -> bool:
    return entry.name.partition(".")[0] == "mlx"


def _with_another(own: str, beside: Sequence[str], choice: random.Random) -> str:
    """Returns documentation, now and then with another entry's before or after it, as ``ask`` gives it."""
    if not beside or choice.random() > _SHARE_WITH_ANOTHER:
        return own
    parts = [own, choice.choice(beside)]
    choice.shuffle(parts)
    return "\n".join(parts)


def _row(prompt: str, answer: str, source: str, kind: str) -> Row:
    return Row(prompt, completion(" ".join(answer.split())), source, kind)


def _arguments_answer(entry: ApiEntry) -> str:
    documented = documented_parameters(entry)
    if documented:
        said = "; ".join(map(parameter_line, documented))
    else:
        names = [p.name for s in entry.signatures for p in s.parameters if p.name != "stream"]
        said = ", ".join(dict.fromkeys(names)) or "no arguments"
    return f"{entry.name} takes {said}."
