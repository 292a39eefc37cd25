"""Read the recipes: questions of how to do something with MLX, each with its answer and code that a test runs."""

import re
from dataclasses import dataclass
from functools import cache

from tenny_lsp.data import read_texts

#: The folder of the recipes among the data files.
FOLDER = "recipes"
#: The longest code, in lines, and the fewest other wordings of the question.
MOST_LINES, FEWEST_WORDINGS = 25, 4
_PAGES = "https://ml-explore.github.io/mlx/build/html/"
_FORM = re.compile(
    r"# (?P<question>[^\n]+)\n\n(?P<wordings>(?:- [^\n]+\n)+)\n(?P<prose>[^\n]+)\n\n"
    r"```python\n(?P<code>.+?)\n```\n\n(?P<page>\S+)\n",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to do something with MLX.

    Args:
        name (str): The name of its file, without the ending: ``accumulate-gradients``.
        question (str): The question that it answers.
        wordings (tuple[str, ...]): Other wordings of the question.
        prose (str): The answer, in two or three sentences.
        code (str): Code that runs as it stands.
        page (str): The address of the page of MLX's documentation on this.
    """

    name: str
    question: str
    wordings: tuple[str, ...]
    prose: str
    code: str
    page: str

    @property
    def searched(self) -> str:
        """What else it is found by, besides its questions."""
        return self.prose


@cache
def load_recipes() -> tuple[Recipe, ...]:
    """Return all recipes, by name.

    Raises:
        ValueError: A recipe has not the form of one; the message names its file.
    """
    return tuple(parse_recipe(name, text) for name, text in sorted(read_texts(FOLDER, ".md").items()))


def parse_recipe(name: str, text: str) -> Recipe:
    """Return the recipe that a file holds.

    Args:
        name (str): The file's name, without the ending.
        text (str): Its text: ``# question``, a list of wordings, a paragraph, a block of Python, an address.

    Raises:
        ValueError: The text has not that form.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise _broken(name, "it is not a heading, a list, a paragraph, a block ```python and an address")
    wordings = tuple(line.removeprefix("- ") for line in found["wordings"].splitlines())
    if len(wordings) < FEWEST_WORDINGS:
        raise _broken(name, f"it has {len(wordings)} other wordings, and needs {FEWEST_WORDINGS}")
    if (lines := found["code"].count("\n") + 1) > MOST_LINES:
        raise _broken(name, f"its code has {lines} lines, and may have {MOST_LINES}")
    if "```" in found["code"]:
        raise _broken(name, "it has more than one block of code")
    if not found["page"].startswith(_PAGES):
        raise _broken(name, f"its address does not start with {_PAGES}")
    return Recipe(name, found["question"], wordings, found["prose"], found["code"], found["page"])


def _broken(name: str, reason: str) -> ValueError:
    return ValueError(f"the recipe data/{FOLDER}/{name}.md is broken: {reason}")
