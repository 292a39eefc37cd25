"""Pitfalls: what is found, and above all what is not: code that is right, or that may not be MLX's."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tenny_lsp import pitfalls as pitfalls_package
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.mlx_api.foreign import KEYWORDS, KEYWORDS_WITH_RULES, load_foreign_arguments
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix
from tenny_lsp.pitfalls.fixes import applied, edits_between, fixed, ignoring
from tenny_lsp.pitfalls.rule import PRELUDE, Rule
from tenny_lsp.pitfalls.rules.all import RULES
from tenny_lsp.source.buffer import Buffer
from tools import build_pitfalls

FILES = Files()
TORCH = "import torch\nimport numpy as np\nimport mlx.core as mx\nt = torch.zeros(2, 3)\na = np.zeros((2, 3))\n"


@pytest.fixture(scope="module")
def index() -> ApiIndex:
    return load_mlx_index()


def codes(text: str, index: ApiIndex) -> list[str]:
    return [pitfall.code for pitfall in pitfalls(Engine(Buffer(text), index, FILES), Rules())]


def _read(file: Path) -> dict[str, list[str]]:
    """Return the cases of a file, which empty lines separate, by their headings."""
    sections = (section.partition("\n") for section in file.read_text("utf-8").split("## ")[1:])
    return {code: cases.strip().split("\n\n") for code, _, cases in sections}


#: Code without a pitfall, by the rule that comes closest.
SILENT = _read(Path(__file__).parents[1] / "data" / "no_pitfalls.txt")


@pytest.mark.parametrize("code", sorted(SILENT))
def test_code_that_is_right_or_not_mlx_is_left_alone(code: str, index: ApiIndex) -> None:
    assert {text: found for text in SILENT[code] if (found := codes(f"{PRELUDE}{text}\n", index))} == {}


def test_every_rule_has_near_misses_and_examples() -> None:
    assert {rule.code for rule in RULES} == SILENT.keys()
    assert all(rule.examples and rule.link.startswith("https://") and rule.title for rule in RULES)
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert all(rule.kinds or rule.calls or rule.keywords or rule.attributes for rule in RULES)


RULE_FILES = sorted((Path(pitfalls_package.__file__).parent).rglob("*.py"))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.scope == "file"], ids=lambda rule: rule.code)
def test_a_rule_of_scope_file_searches_the_file_for_its_examples(rule: Rule, index: ApiIndex) -> None:
    searched = list[bool]()
    for example in rule.examples:
        evaluator = Engine(Buffer(f"{PRELUDE}{example.before}\n"), index)
        rules, context = Rules([rule.code]), RuleContext(evaluator)
        results = [rules.findings(context, one) for one in evaluator.buffer.root.children]
        searched.append(any(has_searched for _, has_searched in results))
        # What stands in one statement needs no search; then it is found there.
        assert searched[-1] or any(found for found, _ in results)

    assert any(searched)


def test_a_rule_of_scope_statement_cannot_search_the_file(index: ApiIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenny_lsp.pitfalls.check.RULES", [replace(r, scope="statement") for r in RULES])
    with pytest.raises(TypeError, match="forward-method searches the whole file"):
        pitfalls(Engine(Buffer(PRELUDE + _example("forward-method")), index), Rules())


def test_no_rule_reaches_the_whole_file_by_another_way() -> None:
    reaching = {path.name for path in RULE_FILES if re.search(r"\.(?:_?buffer|root)\b", path.read_text("utf-8"))}
    whole = {
        "check.py",
        "context.py",
        "explanations.py",
        "file_facts.py",
        "fixes.py",
        "incremental.py",
        "shape_pass.py",
        "while_typing.py",
    }
    assert reaching == whole


def test_rule_files_are_independent_of_each_other() -> None:
    texts = {path: path.read_text("utf-8") for path in RULE_FILES if path.parent.name == "rules"}
    assert [p.name for p, text in texts.items() if "tenny_lsp.pitfalls.rules" in text and p.stem != "all"] == []


def _example(code: str) -> str:
    return next(rule for rule in RULES if rule.code == code).examples[0].before + "\n"


def test_other_libraries_are_left_alone(index: ApiIndex) -> None:
    lines = ["t.view(3, 2).to('cuda').unsqueeze(0)", "torch.cat([t, t], dim=0)", "a.astype(float)", "np.sum(a, axis=0)"]
    lines += ["t.transpose(0, 1).size(0)", "torch.nn.functional.relu(t)", "loss = t.sum(); loss.backward()", "t[t > 0]"]

    assert codes(TORCH + "\n".join(lines), index) == []
    assert codes("\n".join(lines), index) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "mx.",
        "mx.zeros(2, 3",
        "x = mx.cat([",
        "class A(A): pass\nA().to(1)",
        "mlx\x00\r\r\n\ud800 = mx.cat(",
        "nn.functional.",
        "x = mx.zeros(3)\nx.view(",
        "x = mx.zeros(3)\nx[x",
    ],
)
def test_unfinished_text_is_no_error(text: str, index: ApiIndex) -> None:
    pitfalls(Engine(Buffer(PRELUDE + text), index), Rules())
    pitfalls(Engine(Buffer(text + "  # mlx"), index), Rules())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_examples_cut_short_are_no_error(rule: object, index: ApiIndex) -> None:
    for example in rule.examples[:3]:  # type: ignore[attr-defined]
        for end in range(0, len(example.before), 3):
            pitfalls(Engine(Buffer(PRELUDE + example.before[:end]), index), Rules())


def test_all_safe_fixes_at_once_inside_each_other(index: ApiIndex) -> None:
    before = "y = mx.cat([x.unsqueeze(0).permute(0, 2, 1), x.cuda().t()[None]], dim=-1).view(-1)\n"
    after = "y = mx.concatenate([mx.expand_dims(x, 0).transpose(0, 2, 1), x.T[None]], axis=-1).reshape(-1)\n"

    def fix_all(text: str) -> str:
        return fixed(Buffer(text), Rules(), lambda buffer: Engine(buffer, index))

    done = fix_all(f"{PRELUDE}{before}z = x.detach().cpu().numpy()\n")

    assert done == f"{PRELUDE}{after}z = np.array(mx.stop_gradient(x))\n"
    assert fix_all(done) == done


def test_a_foreign_keyword_has_one_rule() -> None:
    named = {keyword for rule in RULES for keyword in rule.keywords}

    assert KEYWORDS.keys() & (named | {"lr"}) == KEYWORDS_WITH_RULES
    assert not KEYWORDS.keys() & load_foreign_arguments().keys()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("mx.zeros(2, 3, 4)", ["shape-not-a-tuple"]),
        ("mx.clip(x, 1)", ["clip-bounds"]),
        ("mx.where(x > 1)", ["where-condition-only"]),
        ("mx.swapaxes(x[None].transpose(0, 1), 0)", ["argument-count", "transpose-two-axes"]),
        ("mx.transpose(x, 0, 1)", ["transpose-two-axes"]),
        ("optim.SGD(model.parameters(), lr=0.1, foreach=True)", ["optimizer-arguments"]),
        ("nn.RMSNorm(dim=8, epsilon=1e-5)", ["dim-keyword", "unknown-keyword"]),
        ("mx.std(x, unbiased=True)", ["unbiased-keyword"]),
        ("mx.zeros((2,), device='cpu')", ["device-keyword"]),
        ("x.view(3, 2)", ["view-shape"]),
    ],
)
def test_a_place_has_one_pitfall(line: str, found: list[str], index: ApiIndex) -> None:
    assert sorted(codes(f"{PRELUDE}y = {line}\n", index)) == sorted(found)


def test_selecting_and_ignoring(index: ApiIndex) -> None:
    buffer = Buffer(PRELUDE + "y = mx.cat([x], dim=0)\nz = x.sum(dim=0)\n")

    def found(rules: Rules) -> list[str]:
        return [pitfall.code for pitfall in pitfalls(Engine(buffer, index), rules)]

    assert found(Rules()) == ["foreign-function", "dim-keyword"]
    assert found(Rules(select=["dim-keyword"])) == ["dim-keyword"]
    assert found(Rules(ignore=["dim-keyword"])) == ["foreign-function"]
    assert found(Rules(ignore=["all"])) == []
    assert Rules(["dim-keyword", "a"], ["b", "all"]).unknown == ["a", "b"]


def test_edits_between_two_texts() -> None:
    before, after = "a\nb\nc\nd\n", "a\nB\nC\nx\nd\ne"
    fix = Fix("", tuple(edits_between(before, after)))

    assert applied(before, [fix]) == after
    assert list(edits_between("a\nb\nc\n", "A\nb\nC\n")) == [Edit(0, 2, "A\n"), Edit(4, 6, "C\n")]


def test_the_comment_that_ignores(index: ApiIndex) -> None:
    def ignored(line: str) -> str | None:
        buffer = Buffer(PRELUDE + line)
        fix = ignoring(buffer, pitfalls(Engine(buffer, index), Rules())[0])
        if fix is None:
            return None
        text = applied(buffer.text, [fix])
        assert codes(text, index) == []
        return text.removeprefix(PRELUDE)

    assert ignored("y = mx.cat([x])") == "y = mx.cat([x])  # tenny: ignore[foreign-function]"
    assert ignored("y = mx.cat([x])  # tenny: ignore[dim-keyword]\nz\n") == (
        "y = mx.cat([x])  # tenny: ignore[dim-keyword, foreign-function]\nz\n"
    )
    assert ignored("y = mx.cat([x]) + \\\n  1\n") is None
    assert ignored('y = mx.cat([x]), """\n"""\n') is None


def test_the_page_is_current(index: ApiIndex) -> None:
    page = (Path(__file__).parents[2] / build_pitfalls.PAGE).read_text("utf-8")

    assert page == build_pitfalls.page(index), "run python -m tools.build_pitfalls"


@pytest.mark.parametrize(
    "text",
    [
        "def f(a: mx.array):\n    a = a.at[0].set(5)\n    return a",  # the caller's array would change too
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.layers = (nn.Linear(2, 2), nn.Linear(2, 2))\n"
        "        self.both = self.layers + (model,)",
        "y = x.size(axis=0)",
        "def f(a: mx.array, device):\n    return a.to(device.dtype)",
        "norm = nn.InstanceNorm2d(3, 1e-5, 0.1)",
        "def f(m):\n    for _ in range(3):\n        optimizer.update(m, m)",
        "def f(m):\n    return optim.SGD(m.parameters(), 0.5)",
        "y = mx.zeros(3)\ndef f():\n    y.at[0].add(1)",
        "if TYPE_CHECKING:\n    import numpy as numbers\ndel np\ny = x.numpy()",
        "def f(mx, a):\n    return x.unsqueeze(0)",
        "tree_flatten = list\nfor p in model.parameters():\n    p.shape",
    ],
)
def test_no_fix_of_what_it_might_break_is_safe(text: str, index: ApiIndex) -> None:
    found = pitfalls(Engine(Buffer(f"{PRELUDE}{text}\n"), index), Rules())
    assert found
    assert [fix.title for one in found for fix in one.fixes if fix.is_safe] == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("y = mx.clip(x, 1,)", "y = mx.clip(x, 1, None,)"),
        ("for _ in range(3): optimizer.update(model, {})", ""),
        ("for _ in range(3):\n\toptimizer.update(model, {})",
         "for _ in range(3):\n\toptimizer.update(model, {})\n\tmx.eval(model.parameters(), optimizer.state)"),
        ("for _, v in [(1, 2)]:\n    for p in model.parameters():\n        p.shape",
         "for _, v in [(1, 2)]:\n    for _name, p in tree_flatten(model.parameters()):\n        p.shape"),
    ],
)  # fmt: skip
def test_a_fix_fits_into_the_text_around_it(before: str, after: str, index: ApiIndex) -> None:
    done = fixed(Buffer(f"{PRELUDE}{before}\n"), Rules(), lambda buffer: Engine(buffer, index))
    assert done.replace("from mlx.utils import tree_flatten\n", "") == f"{PRELUDE}{after or before}\n"
