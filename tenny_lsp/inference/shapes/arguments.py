"""Evaluate the arguments of calls, and bind them to the parameters of functions."""

from tenny_lsp.inference.shapes.dimension import UNKNOWN
from tenny_lsp.inference.shapes.frames import Frame
from tenny_lsp.inference.shapes.protocol import Given, Shapes
from tenny_lsp.inference.shapes.rule import Value
from tenny_lsp.source.syntax import Node, field, text_of


def arguments_of(shapes: Shapes, frame: Frame, call: Node) -> Given | None:
    """Return the arguments of a call; None where something starred hides how many there are."""
    listed = field(call, "arguments")
    positional: list[Value] = []
    keywords: dict[str, Value] = {}
    if listed is None or listed.type != "argument_list":
        return None
    for child in listed.named_children:
        if child.type == "keyword_argument":
            name, value = field(child, "name"), field(child, "value")
            if name is not None and value is not None:
                keywords[text_of(name)] = shapes.value(frame, value)
        elif child.type == "list_splat" and child.named_children:
            starred = shapes.value(frame, child.named_children[0])
            if not isinstance(starred, tuple):
                return None
            positional += starred
        elif child.type in ("dictionary_splat", "ERROR", "list_splat"):
            return None
        elif child.type != "comment":
            positional.append(shapes.value(frame, child))
    return positional, keywords


def parameters_of(function: Node) -> list[tuple[str, str, Node | None]] | None:
    """Return the parameters of a function: name, star, default; None where one has another form."""
    listed = field(function, "parameters")
    found: list[tuple[str, str, Node | None]] = []
    is_keyword_only = False
    for child in listed.named_children if listed is not None else ():
        if child.type in ("comment", "positional_separator"):
            continue
        if child.type == "keyword_separator":
            is_keyword_only = True
            continue
        named = field(child, "name") or (child.named_children[0] if child.type == "typed_parameter" else child)
        if named.type in ("list_splat_pattern", "dictionary_splat_pattern"):
            star = "*" if named.type == "list_splat_pattern" else "**"
            is_keyword_only = True
            if not named.named_children:
                continue
            found.append((text_of(named.named_children[0]), star, None))
        elif named.type == "identifier":
            found.append((text_of(named), "keyword" if is_keyword_only else "", field(child, "value")))
        else:
            return None
    return found


def bound(shapes: Shapes, defaults: Frame, function: Node, given: Given, *, skips: int) -> dict[str, Value] | None:
    """Return the values of a function's parameters in a call; None where the arguments do not fit.

    Args:
        shapes (Shapes): Evaluates expressions.
        defaults (Frame): The frame in which the function is defined, and its defaults are evaluated.
        function (Node): The function.
        given (Given): The arguments.
        skips (int): How many of the parameters come first and are not among the arguments: 1 for ``self``.
    """
    parameters = parameters_of(function)
    if parameters is None:
        return None
    positional, keywords = list(given[0]), dict(given[1])
    values: dict[str, Value] = {}
    for name, star, default in parameters[skips:]:
        if star in ("*", "**"):
            values[name] = UNKNOWN
            positional = [] if star == "*" else positional
            keywords = {} if star == "**" else keywords
        elif positional and not star:
            values[name] = positional.pop(0)
        elif name in keywords:
            values[name] = keywords.pop(name)
        elif default is not None:
            values[name] = shapes.value(defaults, default)
        else:
            return None
    return None if positional or keywords else values
