"""Recipes: their form, and what is said of one that has another."""

import re

import pytest

from tenny_lsp.mlx_api.pages import documented_pages
from tenny_lsp.mlx_api.recipes import MOST_LINES, Recipe, load_recipes, parse_recipe
from tenny_lsp.pitfalls.rules.all import RULES

WHOLE = """\
# How do I add?

- one
- two
- three
- four

Write a plus.

```python
assert 1 + 1 == 2
```

https://ml-explore.github.io/mlx/build/html/usage/quick_start.html
"""


def test_there_are_at_least_forty() -> None:
    assert len(load_recipes()) >= 40


def test_a_recipe_has_all_parts() -> None:
    recipe = parse_recipe("add", WHOLE)

    assert (recipe.name, recipe.question, recipe.wordings[3]) == ("add", "How do I add?", "four")
    assert (recipe.prose, recipe.code) == ("Write a plus.", "assert 1 + 1 == 2")
    assert recipe.page.endswith("quick_start.html")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("# How", "How", "not a heading"),
        ("```python", "```", "not a heading"),
        ("- four\n", "", "3 other wordings"),
        ("assert 1", "x = 1\n" * MOST_LINES + "assert 1", "26 lines"),
        ("== 2\n", "== 2\n```\n\nand\n\n```python\nx = 1\n", "more than one block"),
        ("https://ml-explore.github.io/mlx", "https://example.com", "does not start with"),
    ],
)
def test_a_broken_recipe_names_its_file(old: str, new: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"recipes/add.md is broken: .*{reason}"):
        parse_recipe("add", WHOLE.replace(old, new, 1))


def test_no_recipe_has_the_name_of_a_pitfall() -> None:
    assert {recipe.name for recipe in load_recipes()} & {rule.code for rule in RULES} == set()


def test_no_question_is_asked_twice() -> None:
    asked = [text.lower() for recipe in load_recipes() for text in (recipe.question, *recipe.wordings)]

    assert sorted(asked) == sorted(set(asked))


@pytest.mark.parametrize("recipe", load_recipes(), ids=lambda recipe: recipe.name)
def test_an_answer_is_short_and_its_page_exists(recipe: Recipe) -> None:
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z`])", recipe.prose)

    assert 2 <= len(sentences) <= 3, sentences
    assert "_autosummary" not in recipe.page or recipe.page in documented_pages().values()
