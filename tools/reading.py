"""Make rows of documentation with a question that it answers, which teach a small model to read."""

import random
import re
from collections.abc import Callable, Iterator

from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.model.prompts import WORDINGS, completion, prompt_of
from tools.docstrings import Entry

_EXCERPT_CHARACTERS = 620
_IMPERATIVE = re.compile(
    r"(Computes?|Returns?|Creates?|Generates?|Appl(?:y|ies)|Performs?|Converts?|Reshapes?|Makes?|Finds?|Fits?"
    r"|Transforms?|Draws?|Evaluates?|Calculates?|Loads?|Saves?|Samples?|Constructs?|Builds?|Estimates?|Adds?"
    r"|Removes?|Splits?|Joins?|Concatenates?|Sorts?|Rounds?|Sets?|Gets?|Counts?|Tests?|Checks?|Fills?|Expands?) "
)


def excerpt(entry: Entry) -> str:
    """Return the documentation as a prompt carries it: the call, the summary, arguments and what is returned."""
    lines = [customary_name(entry.name) + entry.signature[:160], entry.summary, *entry.argument_lines]
    lines += [f"Returns: {entry.returns}"] if entry.returns else []
    text = ""
    for line in filter(None, lines):
        if len(text) + len(line) < _EXCERPT_CHARACTERS:
            text += line + "\n"
    return text


def rows(
    found: list[Entry], choice: random.Random, ask: Callable[[Entry, str], str], *, questions: int
) -> Iterator[dict[str, str]]:
    """Yield documents: an excerpt, or two of which one answers, with a question and its answer.

    Args:
        found (list[Entry]): The entries of one package.
        choice (random.Random): What draws questions and wordings.
        ask (Callable): Puts an entry's name into a wording.
        questions (int): Questions for each entry at most.
    """
    for entry in found:
        possible = [pair for pair in _questions(entry) if len(pair[2]) < 400]
        for kind, details, answer in choice.sample(possible, min(questions, len(possible))):
            documentation = excerpt(entry)
            if choice.random() < 0.3:
                parts = [documentation, excerpt(choice.choice(found))]
                choice.shuffle(parts)
                documentation = "\n".join(part[: _EXCERPT_CHARACTERS // 2].rpartition("\n")[0] + "\n" for part in parts)
                if answer.partition(" ")[2][:40] not in documentation:
                    continue
            wording = choice.choice(WORDINGS[kind])
            for name, value in details.items():
                wording = wording.replace(f"{{{name}}}", value)
            yield {"text": prompt_of(ask(entry, wording), documentation) + completion(answer)}


def _questions(entry: Entry) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield (kind, what its wording needs beside the name, answer) for all that the excerpt answers."""
    called = customary_name(entry.name) + entry.signature[:160]
    if entry.summary:
        yield "what", {}, f"{entry.name} {entry.summary}"
        if verb := _IMPERATIVE.match(entry.summary):
            task = entry.summary.rstrip(".")
            task = _base_form(verb[1]) + task[len(verb[1]) :]
            yield "how", {"task": task}, f"Use {called}: {entry.summary}"
    if entry.arguments:
        yield "arguments", {}, f"{entry.name} takes {entry.arguments}"
    for line in entry.argument_lines[:3]:
        yield "parameter", {"parameter": line.split(" ")[0].rstrip(":")}, f"{line}."
    if entry.returns:
        yield "returns", {}, f"{entry.name} returns {entry.returns}"
    if 2 < len(entry.signature) < 160:
        yield "call", {}, called


def _base_form(verb: str) -> str:
    """Return ``compute`` for ``Computes``."""
    lower = verb.lower()
    if lower.endswith("ies"):
        return lower[:-3] + "y"
    return lower[:-1] if lower.endswith("s") else lower
