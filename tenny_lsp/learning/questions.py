"""Make questions with true answers from index entries and foreign names."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence

from tenny_lsp.learning.formats import Row
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.examples import example_of
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
from tenny_lsp.model.prompts import WORDINGS, code_completion, completion, hover_question, prompt_of

#: How many wordings ask for each kind of answer; sampled for each name, so that all are used.
_WORDINGS_PER_ANSWER = {
    "what": 6,
    "arguments": 3,
    "parameter": 1,
    "returns": 3,
    "call": 3,
    "how": 3,
    "foreign": 3,
    "example": 3,
}
_TWO_EXCERPTS_SHARE = 0.3
_VERB = re.compile(r"(?:[Aa]n? (?:operation|function|layer) (?:that|to) )?([A-Z]?[a-z]+)(?= )")
#: Verbs that summaries of functions begin with; a summary that begins otherwise names a thing.
_TASK_VERB = re.compile(
    "add|apply|broadcast|build|calculate|cast|check|clear|clip|compute|concatenate|construct|convert|count|create|decode"
    "|dequantize|deserialize|divide|draw|encode|evaluate|expand|extract|fill|find|flatten|freeze|gather|generate|get"
    "|insert|join|list|load|make|move|multiply|pad|perform|permute|print|quantize|remove|repeat|replace|reshape|return"
    "|roll|round|sample|save|scatter|select|set|shift|sort|split|squeeze|stack|start|stop|subtract|swap|synchronize|take"
    "|test|tile|transform|transpose|unflatten|unfreeze|update|view|wait"
)


def entry_rows(
    entry: ApiEntry, neighbours: Sequence[str], *, is_first_of_its_name: bool, with_documentation: bool
) -> Iterator[Row]:
    """Yield the rows of an entry: what it is, its arguments, what it returns, what it is for, code that uses it.

    Args:
        entry (ApiEntry): The entry.
        neighbours (Sequence[str]): Other entries' documentation, which may stand beside its own in a prompt.
        is_first_of_its_name (bool): Whether its bare name (``reshape``) means this entry rather than another.
        with_documentation (bool): Whether prompts carry the documentation.
    """
    forms = [customary_name(entry.name), entry.name]
    if is_first_of_its_name:
        forms.insert(1, entry.short_name)
    choice, neighbour_choice = random.Random(entry.name), random.Random(entry.name)
    own = excerpt(entry, customary_name(entry.name)) if with_documentation else ""
    if entry.summary and _is_mlx(entry):
        yield _row(prompt_of(hover_question(customary_name(entry.name)), own), what_answer(entry), entry.name, "what")
    for kind, wording, answer in _asked(entry, choice):
        question = wording.replace("{name}", choice.choice(forms))
        documentation = _with_another(own, neighbours, neighbour_choice) if with_documentation else ""
        yield _row(prompt_of(question, documentation), answer, entry.name, kind)
    if (example := example_of(entry)) is not None:
        for wording in _sampled(WORDINGS["example"], "example", choice):
            question = wording.format(name=choice.choice(forms))
            yield Row(prompt_of(question, own), code_completion(example.code), entry.name, "example")


def foreign_rows(foreign: ForeignName, *, with_documentation: bool) -> Iterator[Row]:
    """Yield the rows that say what MLX has instead of a torch, numpy or jax name."""
    documentation = replacement(foreign, customary_name(foreign.mlx or ""))
    for wording in _sampled(WORDINGS["foreign"], "foreign", random.Random(foreign.name)):
        question = wording.format(foreign=foreign.name)
        yield _row(
            prompt_of(question, documentation if with_documentation else ""), documentation, foreign.name, "foreign"
        )


def first_of_their_name(entries: Iterable[ApiEntry]) -> set[str]:
    """Return the public names that a bare last component means: the least nested of those that share it."""
    first: dict[str, str] = {}
    for entry in sorted(entries, key=lambda entry: (entry.name.count("."), entry.name)):
        first.setdefault(entry.short_name, entry.name)
    return set(first.values())


def what_answer(entry: ApiEntry) -> str:
    """Return an entry's name, its summary, and its names in other libraries, as one answer."""
    summary = sentences(entry.summary)
    stop = "" if summary.endswith((".", "!", "?")) else "."
    called = [f"{LIBRARIES[name.partition('.')[0]]} calls it {name}" for name in names_elsewhere(entry.name)]
    elsewhere = f" {', '.join(called)}." if called else ""
    return f"{entry.name} {summary}{stop}{elsewhere}"


def task(summary: str) -> str:
    """Return the task that a summary describes, ``compute the mean``; an empty string where it describes a thing."""
    said = first_sentence(summary)
    found = _VERB.match(said)
    if not found:
        return ""
    verb = found[1].lower()
    for base in (verb, verb.removesuffix("s"), verb.removesuffix("es"), verb.removesuffix("ies") + "y"):
        if _TASK_VERB.fullmatch(base):
            return base + said[found.end() :]
    return ""


def _asked(entry: ApiEntry, choice: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, wording, answer) for each fact known of an entry."""
    called = customary_name(entry.name)
    # What is not MLX's is not asked about as if it were.
    wordings = {
        kind: [wording for wording in known if _is_mlx(entry) or "mlx" not in wording.lower()]
        for kind, known in WORDINGS.items()
    }
    answers = {"what": what_answer(entry) if entry.summary else ""}
    if named := task(entry.summary):
        wordings["how"] = [wording.replace("{task}", named) for wording in wordings["how"]]
        answers["how"] = f"Use {call(entry, called)}. {sentences(entry.summary)}"
    if entry.signatures:
        answers["arguments"] = _arguments_answer(entry)
        answers["call"] = call(entry, called)
        answers["returns"] = f"{entry.name} returns {said}." if (said := returns_line(entry)) else ""
    for kind, answer in answers.items():
        if answer:
            yield from ((kind, wording, answer) for wording in _sampled(wordings[kind], kind, choice))
    for item in documented_parameters(entry):
        for wording in _sampled(wordings["parameter"], "parameter", choice):
            yield "parameter", wording.replace("{parameter}", item.name), f"{parameter_line(item)}."


def _sampled(wordings: Sequence[str], kind: str, choice: random.Random) -> list[str]:
    return choice.sample(wordings, min(_WORDINGS_PER_ANSWER[kind], len(wordings)))


def _is_mlx(entry: ApiEntry) -> bool:
    return entry.name.partition(".")[0] == "mlx"


def _with_another(own: str, neighbours: Sequence[str], choice: random.Random) -> str:
    """Return documentation, sometimes with another entry's before or after it, as ``ask`` gives it."""
    if not neighbours or choice.random() > _TWO_EXCERPTS_SHARE:
        return own
    parts = [own, choice.choice(neighbours)]
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
