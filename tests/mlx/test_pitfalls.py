"""Each pitfall on the installed MLX: its example goes wrong, and goes right once it is fixed."""

import shutil
from typing import Any

import mlx.core as mx
import pytest

from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.mlx_api.index import load_mlx_index
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.pitfalls.fixes import applied
from tenny_lsp.pitfalls.rule import PRELUDE, Example
from tenny_lsp.pitfalls.rules import captured, compiled, compiled_arguments, evaluated
from tenny_lsp.pitfalls.rules.all import RULES
from tenny_lsp.source.buffer import Buffer

INDEX, FILES = load_mlx_index(), Files()
EXAMPLES = [(rule.code, example) for rule in RULES for example in rule.examples]
#: What breaks inside a compiled function breaks only where MLX can compile.
NEEDS_COMPILER = {rule.code for rule in (*compiled.RULES, *captured.RULES, *compiled_arguments.RULES, *evaluated.RULES)}


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    mx.random.seed(0)  # wrong code may leave the generator without a state
    exec(compile(PRELUDE + code, "example", "exec"), names)
    return names


@pytest.mark.parametrize(("code", "example"), EXAMPLES, ids=[f"{code}-{i}" for i, (code, _) in enumerate(EXAMPLES)])
def test_an_example_goes_wrong_and_its_fix_right(code: str, example: Example) -> None:
    if code in NEEDS_COMPILER and shutil.which("g++") is None:
        pytest.skip("MLX compiles with g++ here, and there is none")
    text = PRELUDE + example.before + "\n"
    found = pitfalls(Engine(Buffer(text), INDEX, FILES), Rules())
    assert [pitfall.code for pitfall in found] == [code], found
    after = example.after + "\n"
    if example.is_fixed:
        fixed = applied(text, found[0].fixes[:1])
        assert fixed != text
        after = fixed.removeprefix(PRELUDE)
        assert not example.after or after == example.after + "\n"

    mx.enable_compile()
    try:
        if example.outcome == "raises":
            with pytest.raises(Exception):  # noqa: B017
                mx.eval(run(example.before).get("y", mx.array(0)))
        elif example.outcome != "undefined":
            assert bool(eval(example.check, run(example.before))) == (example.outcome == "slow")
        names = run(after)
        assert eval(example.check, names)
    finally:
        mx.disable_compile()
    remaining = pitfalls(Engine(Buffer(PRELUDE + after), INDEX, FILES), Rules())
    assert remaining == []
