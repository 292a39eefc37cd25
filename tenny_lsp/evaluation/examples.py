"""Ask a model for code that uses a name, and tell whether the code does."""

import ast
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tenny_lsp.evaluation.execution import execute
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.excerpt import excerpt
from tenny_lsp.mlx_api.naming import CUSTOMARY_ALIASES, customary_name
from tenny_lsp.model.prompts import UNSEEN_EXAMPLE_WORDING, code_of, prompt_of

#: An example of more lines is no short one.
MOST_LINES = 4
_DEADLINE_S = 20


@dataclass(frozen=True, slots=True)
class JudgedExample:
    """Code that a model wrote for a name.

    Args:
        name (str): The entry's public name.
        code (str): The code.
        fault (str): Why it does not pass, in a few words; empty where it does.
    """

    name: str
    code: str
    fault: str


async def judge_examples(entries: Sequence[ApiEntry], complete: Callable[[str], Awaitable[str]]) -> list[JudgedExample]:
    """Ask for one example of each entry and execute it; the share without a fault is pass@1.

    Args:
        entries (Sequence[ApiEntry]): The entries.
        complete (Callable): Asks the model: prompt → answer.
    """
    codes = [code_of(await complete(example_prompt(entry))) for entry in entries]
    return [
        JudgedExample(entry.name, code, fault_of_example(code, entry))
        for entry, code in zip(entries, codes, strict=True)
    ]


def example_prompt(entry: ApiEntry) -> str:
    """Return the prompt whose completion is an example of an entry: its documentation, and an unseen question."""
    called = customary_name(entry.name)
    return prompt_of(UNSEEN_EXAMPLE_WORDING.format(name=called), excerpt(entry, called))


def fault_of_example(code: str, entry: ApiEntry) -> str:
    """Return why code is no example of an entry, in a few words; empty where it is one.

    It must be short, call the name, and run to its end with the same result in two processes.
    """
    if not code.strip():
        return "empty"
    if len(code.splitlines()) > MOST_LINES:
        return "too long"
    try:
        is_called = calls(code, entry)
    except (SyntaxError, ValueError) as error:
        return f"no Python: {error}"
    if not is_called:
        return "does not call the name"
    [first], [second] = (execute([code], deadline_s=_DEADLINE_S) for _ in range(2))
    return first.error or second.error or ("" if first == second else "prints otherwise the second time")


def uses(code: str, entry: ApiEntry) -> bool:
    """Return whether code uses a name: as MLX code spells it, or a member of any value.

    Raises:
        SyntaxError, ValueError: The code is no Python.
    """
    property_kinds = ("method", "property", "attribute")
    is_member = entry.kind in property_kinds and entry.name.count(".") > 2
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and is_member and node.attr == entry.short_name:
            return True
        if isinstance(node, ast.Name | ast.Attribute) and _is(node, entry):
            return True
    return False


def calls(code: str, entry: ApiEntry) -> bool:
    """Return whether code calls a name when it runs; a property or a constant need only be used.

    Raises:
        SyntaxError, ValueError: The code is no Python.
    """
    tree = ast.parse(code)
    if entry.kind not in ("function", "class", "method"):
        return uses(code, entry)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    run = [node for node in tree.body if not isinstance(node, ast.FunctionDef)]
    named = {node.id for statement in run for node in ast.walk(statement) if isinstance(node, ast.Name)}
    run += [function for name, function in functions.items() if name in named]
    found = [node.func for statement in run for node in ast.walk(statement) if isinstance(node, ast.Call)]
    found += [mark for function in functions.values() for mark in function.decorator_list]
    return any(_is(node, entry) for node in found)


def _is(node: ast.expr, entry: ApiEntry) -> bool:
    """Return whether an expression is a name: as MLX code spells it, or a member of a value that is no module."""
    if isinstance(node, ast.Name):
        return node.id == entry.short_name and entry.name.startswith("mlx.utils.")
    if not isinstance(node, ast.Attribute):
        return False
    if entry.kind == "method":
        return node.attr == entry.short_name and ast.unparse(node.value) not in CUSTOMARY_ALIASES.values()
    return ast.unparse(node) == customary_name(entry.name)
