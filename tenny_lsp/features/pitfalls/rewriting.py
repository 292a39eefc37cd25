"""Calls of other libraries' functions → MLX's code, as the table of rewrites says."""

import re

from tenny_lsp.features.pitfalls.calls import Call, atom
from tenny_lsp.features.pitfalls.rewrites import Rewrite
from tenny_lsp.features.pitfalls.script import Script
from tenny_lsp.source.meaning import Group, Plain
from tenny_lsp.source.syntax import Node, text_of

#: Keywords that say nothing that MLX needs to be told.
_NEEDLESS = {"device", "requires_grad", "pin_memory", "non_blocking"}


class _Text(str):
    """An argument's text, and how a template may want it."""

    atom: str

    def __new__(cls, text: str, node: Node | None = None) -> "_Text":
        made = super().__new__(cls, text)
        made.atom = atom(node) if node is not None else text
        return made

    def __format__(self, spec: str) -> str:
        if spec == "atom":
            return self.atom
        return f", {spec}={self}" if spec and self != "…" else "" if spec else str(self)


def rewritten(script: Script, call: Call, rewrite: Rewrite, x: Node | None) -> str | None:
    """Returns MLX's code for a call; None when the call is not of the form that the rewrite knows.

    Args:
        script (Script): The file.
        call (Call): The call.
        rewrite (Rewrite): What it becomes.
        x (Node, optional): The array of a method; of a function it is the first argument.
    """
    if not call.is_whole:
        return None
    given = list(call.arguments)
    if x is None and not rewrite.is_function:
        if not given:
            return None
        x = given.pop(0)
    values = _bound(script, rewrite.parameters, given, call)
    if values is None:
        return None
    for name, module in (("mx", "mlx.core"), ("np", "numpy")):
        if f"{{{name}}}" in rewrite.template:
            alias = script.alias(module, call.node)
            if not alias:
                return None
            values[name] = _Text(alias)
    if x is not None:
        values["x"] = _Text(text_of(x), x)
    return rewrite.template.format_map(values)


def _bound(script: Script, parameters: str, given: list[Node], call: Call) -> dict[str, _Text] | None:
    """Returns the arguments of a call by PyTorch's parameters; None when they do not fit."""
    keywords = {name: call.value(name) for name in call.keywords if name not in _NEEDLESS}
    values: dict[str, _Text] = {}
    is_by_name = False
    for part in filter(None, parameters.split(", ")):
        name, _, default = part.partition("=")
        if name == "*":
            is_by_name = True
        elif name.startswith("**"):
            values[name[2:]], given = _Text(", ".join(map(text_of, given))), []
        elif name.startswith("*"):
            shape = _shape(script, given)
            if shape is None:
                return None
            values[name[1:]], given = _Text(shape), []
        elif given and not is_by_name:
            values[name] = _Text(text_of(given[0]), given.pop(0))
        elif (node := keywords.pop(name, None)) is not None:
            values[name] = _Text(text_of(node), node)
        elif default:
            values[name] = _Text(default)
        else:
            return None
    return values if not given and not keywords else None


def _shape(script: Script, given: list[Node]) -> str | None:
    """Returns sizes as one tuple; None when they cannot be one, as -1 cannot."""
    texts = [text_of(node) for node in given]
    if not given or any(re.fullmatch(r"-\s*\d+", text) for text in texts if len(texts) > 1):
        return None
    if len(given) > 1:
        return f"({', '.join(texts)})"
    meaning = script.meaning(given[0])
    if meaning == Plain("int"):
        return f"({texts[0]},)"
    return texts[0] if isinstance(meaning, Group) and "-1" not in texts[0] else None
