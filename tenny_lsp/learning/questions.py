"""Entries and foreign names → questions with true answers."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tenny_lsp.mlx_api.entry import ApiEntry, Item
from tenny_lsp.mlx_api.foreign import ForeignName
from tenny_lsp.mlx_api.markdown import sentences
from tenny_lsp.model.prompts import WORDINGS, completion, customary_name, question_prompt


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


def entry_rows(entry: ApiEntry, *, is_first_of_its_name: bool) -> Iterator[Row]:
    """Yields the rows of one entry: what it is, its arguments, what it returns, how it is called.

    Args:
        entry (ApiEntry): The entry.
        is_first_of_its_name (bool): Whether its bare name (``reshape``) means this entry rather than another.
    """
    forms = [customary_name(entry.name), entry.name]
    if is_first_of_its_name:
        forms.insert(1, entry.short_name)
    forms = list(dict.fromkeys(forms))
    if entry.summary:
        answer = what_answer(entry)
        first_wording = _wordings("what", entry.name)[0]
        yield from (_row(first_wording.format(name=form), answer, entry.name, "what") for form in forms[1:])
        yield from _rows("what", forms, answer, entry.name)
    if entry.signatures:
        yield from _rows("arguments", forms, _arguments_answer(entry), entry.name)
        yield from _rows("call", forms, _call_answer(entry), entry.name)
        if entry.kind != "class" and (entry.returns or entry.signatures[0].returns):
            yield from _rows("returns", forms, _returns_answer(entry), entry.name)


def foreign_rows(foreign: ForeignName) -> Iterator[Row]:
    """Yields the rows that say what MLX has instead of a torch, numpy or jax name."""
    answer = f"{foreign.mlx}. {foreign.note}" if foreign.mlx else foreign.note
    for wording in WORDINGS["foreign"]:
        yield _row(wording.format(foreign=foreign.name), answer, foreign.name, "foreign")


def first_of_their_name(entries: Iterable[ApiEntry]) -> set[str]:
    """Returns the public names that a bare last component means: the least nested of those that share it."""
    first: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: (entry.name.count("."), entry.name)):
        first.setdefault(entry.short_name, entry.name)
    return set(first.values())


def what_answer(entry: ApiEntry) -> str:
    """Returns what an entry is, in the book's form: its name, then its summary."""
    summary = sentences(entry.summary)
    return f"{entry.name} {summary}" if summary.endswith((".", "!", "?")) else f"{entry.name} {summary}."


def _rows(kind: str, forms: list[str], answer: str, source: str) -> Iterator[Row]:
    for number, wording in enumerate(_wordings(kind, source)):
        yield _row(wording.format(name=forms[number % len(forms)]), answer, source, kind)


def _wordings(kind: str, source: str) -> list[str]:
    """Returns the wordings that are true of a name: what is not MLX's is not asked about as if it were."""
    is_mlx = source.partition(".")[0] == "mlx"
    return [wording for wording in WORDINGS[kind] if is_mlx or "mlx" not in wording.lower()]


def _row(question: str, answer: str, source: str, kind: str) -> Row:
    return Row(question_prompt(question), completion(" ".join(answer.split())), source, kind)


def _arguments_answer(entry: ApiEntry) -> str:
    documented = [item for item in entry.parameters if item.name != "stream"]
    streams = any(parameter.name == "stream" for parameter in entry.signatures[0].parameters)
    if documented:
        said = "; ".join(map(_item, documented))
    else:
        names = [p.name for s in entry.signatures for p in s.parameters if p.name != "stream"]
        said = ", ".join(dict.fromkeys(names)) or "no arguments"
    return f"{entry.name} takes {said}{'; and an optional stream' if streams else ''}."


def _item(item: Item) -> str:
    annotation = f" ({item.annotation})" if item.annotation else ""
    return f"{item.name}{annotation}: {sentences(item.text).rstrip('.')}"


def _returns_answer(entry: ApiEntry) -> str:
    if entry.returns:
        said = "; ".join(f"{item.annotation}: {sentences(item.text).rstrip('.')}" for item in entry.returns)
        return f"{entry.name} returns {said.removeprefix(': ')}."
    return f"{entry.name} returns {entry.signatures[0].returns}."


def _call_answer(entry: ApiEntry) -> str:
    name = customary_name(entry.name)
    calls = (f"{name}({', '.join(signature.parts(annotated=False))})" for signature in entry.signatures)
    return " or ".join(dict.fromkeys(calls))
