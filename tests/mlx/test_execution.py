"""Code that is executed in a limited child process, and the examples that were."""

import pytest

from tenny_lsp.evaluation.examples import fault_of_example, judge_examples
from tenny_lsp.evaluation.execution import Execution, execute, refusal
from tenny_lsp.mlx_api.index import load_index


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("mx.array([1, 2]) * 2", "array([2, 4], dtype=int32)"),
        ("mx.softmax(mx.array([1.0, 2.0, 3.0]))", "array([0.09, 0.2447, 0.6652], dtype=float32)"),
        ("mx.array([1e-6])", "array([1e-06], dtype=float32)"),
        ("mx.zeros((2, 8))", "(2, 8) float32"),
        ("x = mx.arange(3)\nprint(x.shape)\nx.dtype", "(3,)\nmlx.core.int32"),
        ("(mx.zeros((4, 4)), 1)", "((4, 4) float32, 1)"),
        ("{'w': mx.array(1)}", "{'w': array(1, dtype=int32)}"),
        ("mx.save('a.npy', mx.array([7]))\nmx.load('a.npy')", "array([7], dtype=int32)"),
        ("mx.eval(mx.ones(2))", ""),
        ("lambda: 1", ""),
        ("x = 1", ""),
    ],
)
def test_what_an_example_shows(code: str, output: str) -> None:
    assert execute([code]) == [Execution(output)]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os", "import of os is not allowed"),
        ("from os import path", "import of os is not allowed"),
        ("from . import x", "import of . is not allowed"),
        ("open('a')", "open is not allowed"),
        ("().__class__.__base__", "__base__ is not allowed"),
        ("mx._x", "_x is not allowed"),
        ("__builtins__", "__builtins__ is not allowed"),
        ("mx.save('/tmp/a', 1)", "'/tmp/a' may be a file elsewhere"),
        ("mx.load('../a')", "'../a' may be a file elsewhere"),
        ("x = (", "no Python"),
    ],
)
def test_code_that_leads_out_is_refused(code: str, why: str) -> None:
    assert refusal(code).startswith(why)
    assert execute([code, "1 + 1"]) == [Execution(error=refusal(code)), Execution("2")]


def test_imports_of_mlx_and_of_pure_functions_are_allowed() -> None:
    code = "from functools import partial\nfrom mlx.utils import tree_map\nimport mlx.core\nmodel = nn.Linear(1, 1)"
    assert refusal(code) == ""


def test_a_piece_that_kills_its_process_costs_only_itself() -> None:
    first, killed, last = execute(["1", "mx.zeros((1 << 20, 1 << 20, 64)).sum().item()", "3"])

    assert (first, last) == (Execution("1"), Execution("3"))
    assert "the process ended" in killed.error


def test_a_piece_that_never_ends_costs_only_itself() -> None:
    endless, last = execute(["while True: pass", "3"], deadline_s=5)

    assert (endless.error, last) == ("not finished after 5 s", Execution("3"))


def test_no_piece_sees_what_another_did() -> None:
    assert execute(["x = 1\nmx.set_default_device(mx.cpu)", "x"])[1].error.startswith("NameError")
    assert execute(["mx.random.uniform(shape=(1,))"] * 2)[0] == execute(["mx.random.uniform(shape=(1,))"])[0]


async def test_a_model_is_asked_once_for_each_name_and_its_code_is_executed() -> None:
    index = load_index("mlx")
    entries = [entry for name in ("abs", "exp", "add") if (entry := index.resolve(f"mlx.core.{name}"))]
    answers = iter(["```python\nmx.abs(mx.array(-1))\n```", "mx.exp(mx.array(0.0))", "Use mx.add."])
    prompts = []

    async def complete(prompt: str) -> str:
        prompts.append(prompt)
        return next(answers)

    judged = await judge_examples(entries, complete)

    assert [bool(one.fault) for one in judged] == [False, False, True]
    assert prompts[0].endswith("Q: Could you use mx.abs in a short piece of code?\nA:")


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("mx.take(mx.array([1, 2, 3]), mx.array([0, 2]))", ""),
        ("x = mx.array([1, 2, 3])\nx.take(mx.array(0))", "does not call the name"),
        ("mx.take(mx.array([1, 2, 3]))", "TypeError"),
        ("", "empty"),
        ("take = mx.take", "does not call the name"),
        ("def pick(x): return mx.take(x, mx.array(0))", "does not call the name"),
        ("def pick(x): return mx.take(x, mx.array(0))\npick(mx.array([3]))", ""),
        ("x = 1\n" * 5, "too long"),
        ("mx.take(", "no Python"),
    ],
)
def test_what_counts_as_an_example(code: str, fault: str) -> None:
    entry = load_index("mlx").resolve("mlx.core.take")
    assert entry is not None

    found = fault_of_example(code, entry)
    assert found.startswith(fault) and bool(found) == bool(fault)
