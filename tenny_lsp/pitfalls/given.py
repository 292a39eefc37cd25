"""What the calls of a file give the parameters of its functions; for rules of scope "file"."""

import re

from tenny_lsp.pitfalls.calls import call_of, function_around
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.source.syntax import Node, field, text_of


def given_to(context: RuleContext, parameter: Node, root: Node) -> list[Node]:
    """Return what each call of a function gives one of its parameters; none where a call may give something else.

    Args:
        context (RuleContext): The file.
        parameter (Node): A use of the parameter, in a function at the top of the file.
        root (Node): The root of the file.
    """
    function = function_around(parameter)
    name, listed = field(function, "name"), field(function, "parameters")
    if function is None or name is None or listed is None or function.parent != root:
        return []
    parameters = [text_of(one) for one in listed.named_children]
    if text_of(parameter) not in parameters or len(context.bindings_in(function).get(text_of(parameter), ())) != 1:
        return []
    text, found = root.text or b"", list[Node]()
    for place in re.finditer(rb"(?<![\w.])%s\b" % re.escape(name.text or b""), text):
        if place.start() == name.start_byte:
            continue
        used = root.descendant_for_byte_range(place.start(), place.end())
        call = call_of(used.parent) if used is not None else None
        if call is None or call.function != used or not call.is_whole:
            return []  # it may be called elsewhere, with anything
        index = parameters.index(text_of(parameter))
        value = call.value(text_of(parameter)) or next(iter(call.arguments[index : index + 1]), None)
        if value is None:
            return []
        found.append(value)
    return found
