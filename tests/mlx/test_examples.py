"""The examples that ship: each runs on the installed MLX and shows what the table says."""

from tenny_lsp.evaluation.examples import MOST_LINES, uses
from tenny_lsp.evaluation.execution import execute
from tenny_lsp.mlx_api.examples import example_of, load_examples
from tenny_lsp.mlx_api.index import load_index
from tools.build_examples import documented


def test_every_example_shows_what_it_prints() -> None:
    examples = load_examples().values()
    executions = execute([example.code for example in examples], deadline_s=300)

    wrong = {
        example.name: execution
        for example, execution in zip(examples, executions, strict=True)
        if execution.error or execution.output != example.output
    }
    assert wrong == {}


def test_every_documented_name_has_one_for_the_installed_signature() -> None:
    assert [entry.name for entry in documented(load_index("mlx")) if example_of(entry) is None] == []


def test_each_is_short_and_uses_its_name() -> None:
    index = load_index("mlx")
    for name, example in load_examples().items():
        entry = index.resolve(name)
        assert entry is not None and entry.name == name
        lines = example.code.splitlines()
        assert len(lines) <= MOST_LINES and max(map(len, lines)) <= 88, name
        assert uses(example.code, entry), name
