"""A fix that is called safe, in odd places and on unusual receivers: what works stays, what is fixed is right."""

import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenny_lsp.inference.engine import Engine
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.pitfalls.edits import Fix
from tenny_lsp.pitfalls.fixes import applied, fixed
from tenny_lsp.pitfalls.rule import PRELUDE, Example, Pitfall
from tenny_lsp.pitfalls.rules.all import RULES
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import every

INDEX, ALL = load_mlx_index(), Rules()
MODULES = ("mx", "nn", "optim", "np")
VALUES = ("x", "model", "optimizer")
#: A class that has every member, takes every argument and every operator: whatever is done to it works.
ANYTHING = """
class Anything:
    def __init__(self, *args, **kwargs):
        pass
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()
    def __call__(self, *args, **kwargs):
        return Anything()
    def __iter__(self):
        return iter([Anything()] * COUNT)
    def __setitem__(self, key, value):
        pass
    def __enter__(self):
        return self
    def __exit__(self, *error):
        pass
    __getitem__ = __add__ = __radd__ = __sub__ = __neg__ = __mul__ = __rmul__ = __pow__ = __matmul__ = __call__
    __gt__ = __lt__ = __ge__ = __le__ = __call__
"""
#: What a name may hold that is no array, layer or optimizer of MLX's own.
UNUSUAL = (
    "Anything()", "{}", '{"weight": mx.zeros(3)}', "(x, x)", "[1, 2]", "np.arange(6.0).reshape(2, 3)", "'text'", "2",
    "lambda *given, **named: x",
)  # fmt: skip


def safe(text: str, code: str = "") -> list[tuple[Pitfall, Fix]]:
    found = pitfalls(Engine(Buffer(text), INDEX), ALL)
    firsts = ((one, next((fix for fix in one.fixes if fix.is_safe), None)) for one in found)
    return [(one, fix) for one, fix in firsts if fix is not None and code in ("", one.code)]


EXAMPLES = [
    (rule.code, example) for rule in RULES for example in rule.examples
    if safe(f"{PRELUDE}{example.before}\n", rule.code)
]  # fmt: skip
CASES = pytest.mark.parametrize(
    ("code", "example"), EXAMPLES, ids=[f"{code}-{place}" for place, (code, _) in enumerate(EXAMPLES)]
)


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "example", "exec"), names)
    return names


def works(text: str) -> bool:
    try:
        run(text)
    except Exception:
        return False
    return True


def uses(text: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", text) is not None


def indented(text: str) -> str:
    return textwrap.indent(text, "    ")


# ── odd places: the code is as wrong as before, and a fix that is offered must put it right ──


def in_a_function(text: str) -> str:
    return f"def run():\n{indented(text)}\n    return locals()\nglobals().update(run())"


def last_in_a_function(text: str) -> str:
    last = Buffer(text).root.children[-1].start_point[0]
    lines = text.split("\n")
    return "\n".join([*lines[:last], in_a_function("\n".join(lines[last:]))])


def in_a_method(text: str) -> str:
    body = indented(f"{text}\nreturn locals()")
    return f"class Runner:\n    def run(self):\n{indented(body)}\nglobals().update(Runner().run())"


def with_its_modules_hidden(text: str) -> str:
    hidden = [name for name in ("mx", "np", "partial", "tree_flatten", "_") if not uses(text, name)]
    body = f"{indented(text)}\n    return {{name: value for name, value in locals().items() if name not in {hidden}}}"
    return f"def run(x: mx.array, {'=1, '.join(hidden)}=1):\n{body}\nglobals().update(run(x))"


def on_one_line(text: str) -> str:
    if all(child.type == "expression_statement" for child in Buffer(text).root.children):
        return "; ".join(text.split("\n"))
    return re.sub(r":\n    (.*)((?:\n    .*)*)", lambda m: ": " + m[1] + m[2].replace("\n    ", "; "), text)


def in_calls(text: str, edit: Callable[[str], str]) -> str:
    listed = [node for node in every(Buffer(text).root) if node.type == "argument_list" and node.named_children]
    listed = [node for node in listed if node.named_children[-1].type not in ("list_splat", "dictionary_splat")]
    data = text.encode()
    for end in sorted((node.end_byte for node in listed), reverse=True):
        data = data[: end - 1] + edit(")").encode() + data[end:]
    return data.decode()


def with_trailing_commas(text: str) -> str:
    return in_calls(text, lambda end: f",{end}")


def over_several_lines(text: str) -> str:
    return in_calls(text, lambda end: f",\n            {end}")


def with_comments(text: str) -> str:
    return in_calls(text, lambda end: f"  # why\n            {end}")


def with_tabs(text: str) -> str:
    return text.replace("    ", "\t")


def with_carriage_returns(text: str) -> str:
    return text.replace("\n", "\r\n")


PLACES = (
    in_a_function, last_in_a_function, in_a_method, with_its_modules_hidden, on_one_line, with_trailing_commas,
    over_several_lines, with_comments, with_tabs, with_carriage_returns,
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_a_safe_fix_is_right_wherever_the_code_stands(place: Callable[[str], str]) -> None:
    fixes, wrong = 0, dict[str, str]()
    for code, example in EXAMPLES:
        text = f"{PRELUDE}{place(example.before)}\n"
        if not safe(text, code):
            continue
        after = fixed(Buffer(text), ALL, lambda buffer: Engine(buffer, INDEX))
        fixes += 1
        if not _is_right(after, example):
            wrong[example.before] = after.removeprefix(PRELUDE)
    assert wrong == {}
    assert fixes > len(EXAMPLES) / 10


def _is_right(text: str, example: Example) -> bool:
    try:
        return bool(eval(example.check, run(text)))
    except Exception:
        return False


# ── unusual receivers: what works is left alone ──


def disguised(text: str) -> Iterator[tuple[str, str]]:
    """Yields the code of an example where some name of its does not hold what it seems to, by what it holds."""
    names = [name for name in (*MODULES, *VALUES) if uses(text, name)]
    body = indented(text)
    yield "all are given", f"def run({', '.join(names)}):\n{body}\nrun({', '.join(['Anything()'] * len(names))})"
    for name in names:
        for value in UNUSUAL:
            yield f"{name} is given: {value}", f"def run({name}):\n{body}\nrun({value})"
        for statement in (
            f"{name} = Anything()",
            f"if x is not None:\n    {name} = Anything()",
            f"class {name}(Anything):\n    pass\n{name} = {name}()",
            f"try:\n    {name} = Anything()\nexcept ImportError:\n    pass",
            f"import anything as {name}",
            f"from anything import {name}",
        ):
            yield f"{name}: {statement}", f"{statement}\n{text}"
        yield f"{name} in a loop", f"for {name} in [Anything()]:\n{body}"
        yield f"{name} is tested", f"if not isinstance({name}, Anything):\n    {name} = Anything()\n{text}"
        yield f"{name} is global", f"def change():\n    global {name}\n    {name} = Anything()\nchange()\n{text}"
        yield f"{name} or another", f"def run({name}: 'int | mx.array'):\n{body}\nrun(Anything())"
    for name, base, given in (("model", "Linear", "3, 2"), ("optimizer", "SGD", "0.1")):
        module = "nn" if name == "model" else "optim"
        members = sorted(set(re.findall(rf"\b{name}\.(\w+)", text)))
        methods = "".join(f"    def {one}(self, *given):\n        return self\n" for one in members)
        own = f"class Own({module}.{base}):\n{methods or '    pass'}\n"
        if uses(text, name):
            yield f"{name} of a subclass", f"{own}{name} = Own({given})\n{text}"
            for annotation in (f"{module}.{base}", f"{module}.{'Module' if name == 'model' else 'Optimizer'}"):
                yield f"{name}: {annotation}", f"{own}def run({name}: {annotation}):\n{body}\nrun(Own({given}))"
                test = f"if isinstance({name}, {annotation}):\n{body}"
                yield f"{name} is a {annotation}", f"{own}def run({name}):\n{indented(test)}\nrun(Own({given}))"
            attribute = re.sub(rf"\b{name}\b", f"self.{name}", text)
            held = f"class Held:\n    {name}: {annotation}\n    def run(self):\n{indented(indented(attribute))}\n"
            yield f"{name} is held", f"{own}{held}held = Held()\nheld.{name} = Own({given})\nheld.run()"
    for value in ("{}", "(x, x)", "Anything()"):
        yield f"all arguments are {value}", in_arguments(text, value)


def in_arguments(text: str, value: str) -> str:
    """Returns a text with a value in place of each argument of the last call that stands in no other."""
    last = [node for node in every(Buffer(text).root) if node.type == "argument_list" and node.parent is not None]
    last = [node for node in last if node.parent.parent is not None and node.parent.parent.type != "argument_list"]
    for node in sorted(last, key=lambda one: one.start_byte)[-1:]:
        given = ", ".join(value if one.type != "keyword_argument" else one.text.decode() for one in node.named_children)
        return text[: node.start_byte] + f"({given})" + text[node.end_byte :]
    return text


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # an archive written to such a thing
@CASES
def test_code_that_works_on_an_unusual_receiver_is_left_alone(
    code: str, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = re.findall(r"^ *([\w, ]+) = ", example.before, re.MULTILINE)
    count = max((target.count(",") for target in targets), default=0) + 1
    anything = ANYTHING.replace("COUNT", str(count))
    monkeypatch.setitem(sys.modules, "anything", run(anything + "made = Anything()")["made"])
    working, wrong = 0, dict[str, str]()
    for what, text in disguised(example.before):
        text = f"{PRELUDE}{anything}{text}\n"
        if not works(text):
            continue
        working += 1
        found = safe(text, code)
        after = applied(text, [fix for _, fix in found])
        # Code that works has no mistake that raises; of another kind, what is right of it must go on working.
        if found and (example.outcome == "raises" or not works(after)):
            wrong[what] = after.removeprefix(PRELUDE + anything)
    assert wrong == {}
    assert working
