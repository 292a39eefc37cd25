"""Parameters without annotations: what they are inferred to be, why, and where they stay unknown."""

import pytest

from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.source.buffer import Buffer

HEAD = "import mlx.core as mx\nimport mlx.nn as nn\nimport numpy as np\nimport torch\n"
NET = (
    "class N(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.fc = nn.Linear(4, 4)\n        self.many = [self.fc]\n"
)


@pytest.fixture(scope="module")
def index() -> ApiIndex:
    return load_mlx_index()


def reason(text: str, index: ApiIndex) -> str | None:
    """Returns why the name before the mark is an array."""
    found = Queries(Buffer((HEAD + text).replace("$", "")), index).reason_at((HEAD + text).index("$") - 1)
    return found.text if found is not None else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f(x$):\n    return mx.softmax(x)", "`mx.softmax` takes it"),
        ("def f(x):\n    y = x$\n    return mx.softmax(y + x)", None),
        ("def f(x):\n    y = x$ + 1\n    return mx.matmul(y, x)", "`mx.matmul` takes it"),
        ("def f(x$):\n    return mx.any(x > 0)", "`mx.any` takes it"),
        ("def f(x$):\n    return mx.sum(-(2 * x))", "`mx.sum` takes it"),
        ("def f(x$, y):\n    return mx.concatenate([y, x], axis=0)", "`mx.concatenate` takes it"),
        ("def f(x$):\n    for _ in range(3):\n        pass\n    if mx.all(x):\n        return 1", "`mx.all` takes it"),
        ("def f(x$):\n    return x.astype(mx.float32)", "`x.astype` takes it"),
        ("def f(x$):\n    return mx.sum(x[:, 0])", "`mx.sum` takes it"),
        ("def f(x$):\n    return mx.sum(x.moveaxis(0, 1).reshape(-1))", "`mx.sum` takes it"),
        (NET + "    def __call__(self, x$):\n        return self.fc(x)", "`self.fc` takes it"),
        (NET + "    def __call__(self, x$, y=None):\n        return self.many[0](x)", "`self.many[0]` takes it"),
        (NET + "    def __call__(self, x$):\n        x = x.t()\n        return self.fc(x)", "`self.fc` takes it"),
        ("layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU())\ndef f(x$):\n    return layers(x)", "`layers` takes it"),
        ("def f(x$):\n    return g(x)\ndef g(x):\n    return mx.softmax(x)", "`g` takes it"),
        ("def f(x$):\n    return g(3, a=x)\ndef g(n, a: mx.array):\n    return 1", "`g` takes it"),
        ("class A:\n    @classmethod\n    def g(cls, a, n):\n        return mx.softmax(a)\n"
         "    @staticmethod\n    def f(x$):\n        return A.g(x, 1)", "`A.g` takes it"),
        ("class A:\n    @classmethod\n    def g(cls, a, n):\n        return mx.softmax(a)\n"
         "def f(n$):\n    return A.g(mx.ones(2), n)", None),
        ("class A:\n    @staticmethod\n    def g(a, n):\n        return mx.softmax(n)\n"
         "    def f(self, x$):\n        return self.g(1, x)", "`self.g` takes it"),
        ("def f(x$):\n    return x.unsqueeze(0)\nf(mx.zeros(3))", "every call in this file passes one"),
        ("def f(n, x$):\n    return [x]\nf(1, mx.ones(3)), f(n=2, x=mx.ones(2))", "every call in this file passes one"),
        ("@mx.compile\ndef f(x$):\n    return x * 2", "MLX traces `f`"),
        ("@mx.compile\ndef f(x, y$):\n    return x * y.shape[0]", "MLX traces `f`"),
        ("def f(x$):\n    return x**2 + x.ndim\ng = mx.grad(f)", "MLX traces `f`"),
        ("def f(x$):\n    return mx.exp(x)\ng = mx.vmap(f)", "MLX traces `f`"),
        ("def f(x$):\n    return x.shape\ng = mx.compile(f, shapeless=True)", "MLX traces `f`"),
    ],
)  # fmt: skip
def test_a_parameter_that_is_an_array_says_why(text: str, expected: str | None, index: ApiIndex) -> None:
    assert reason(text, index) == expected


@pytest.mark.parametrize(
    "text",
    [
        "def f(x$):\n    return mx.exp(x)",  # takes numbers and NumPy's arrays too
        "def f(x$):\n    return nn.relu(x), mx.maximum(x, 0), mx.eval(x)",
        "def f(x$):\n    return mx.softmax(x * y)",
        "def f(x$):\n    return mx.sum(x[0]), mx.sum(x.T), mx.sum(x.reshape)",
        "def f(x$):\n    if isinstance(x, list):\n        x = mx.array(x)\n    return mx.softmax(x)",
        "def f(x$):\n    if x is None:\n        return 0\n    return mx.softmax(x)",
        "def f(x=None):\n    return mx.softmax(x$)",
        "def f(x: Thing):\n    return mx.softmax(x$)",
        "def f(*x):\n    return mx.softmax(x$)",
        "def f(x$):\n    return mx.softmax(x) if len(x) else 0",
        "def f(x$):\n    return mx.softmax(x), x['a']",
        "def f(x$):\n    return mx.softmax(x), x(3)",
        "def f(x$):\n    return mx.softmax(x), x.keys()",
        "def f(x$):\n    return mx.softmax(x), x.copy()",
        "def f(x$):\n    return mx.softmax(x), torch.softmax(x)",
        "def f(x$):\n    return mx.softmax(x) if x else 0",
        "def f(x$, flag):\n    if flag:\n        return mx.softmax(x)\n    return x.unsqueeze(0)",
        "def f(x$, flag):\n    if flag:\n        return x.unsqueeze(0)\n    return mx.softmax(x)",
        "def f(x$):\n    try:\n        return mx.softmax(x)\n    except TypeError:\n        return x.numpy()",
        "def f(x$):\n    return [mx.softmax(x) for _ in y]",
        "def f(x$):\n    return lambda: mx.softmax(x)",
        "def f(x$):\n    with pytest.raises(TypeError):\n        mx.softmax(x)\n    return x.numpy()",
        "def f(x$):\n    return flag and mx.softmax(x)",
        "def f(x$):\n    x = mx.array(x)\n    return mx.softmax(x)",
        "def f(x$):\n    return mx.softmax(*x)",
        "def f(x$):\n    return mx.take(mx.zeros(3), x)",
        "def f(x$):\n    return x.unsqueeze(0)\nf(mx.zeros(3)), f([1])",
        "def f(x$):\n    return x.unsqueeze(0)\nf(mx.zeros(3)), f(*y)",
        "class W:\n    def astype(self, dtype):\n        return self\ndef f(x$):\n    x.astype(mx.int8)\nf(W())",
        "class W:\n    def view(self, n):\n        return [n]\ndef f(x$):\n    x = x.view(1)\n    mx.sum(x)\nf(W())",
        "@mx.compile\ndef f(x$):\n    return x * 2\nf(3)",
        "def f(x$):\n    return x.unsqueeze(0)\nf(mx.zeros(3)), run(f)",
        "@other\ndef f(x$):\n    return x.unsqueeze(0)\nf(mx.zeros(3))",
        "def f(x$):\n    return x.unsqueeze(0)\ndef g(f):\n    f(mx.zeros(3))",
        "def f(w$):\n    return mx.softmax(w.view(3, 2))",  # of a class of one's own it may be
        "@mx.compile\ndef f(x, n$):\n    return x * n",  # a number is a constant to MLX
        "@mx.compile\ndef f(x$):\n    return g(x)",
        "@mx.compile\ndef f(x$):\n    return x * 2 if x > 0 else x",
        "@mx.compile\ndef f(x$):\n    return mx.zeros(x)",
        "def f(p, x$):\n    return p * x.shape[0]\ng = mx.grad(f)",
        "def f(p$):\n    return (p['w'] ** 2).sum()\ng = mx.grad(f)",
        "def f(x$):\n    return x.shape\ng = mx.vmap(f, in_axes=None)",
        "def f(x$):\n    return x * 2\ng = nn.value_and_grad(net, f)",
    ],
)
def test_a_parameter_that_may_be_something_else_is_unknown(text: str, index: ApiIndex) -> None:
    assert reason(text, index) is None


def test_a_method_without_annotations_has_the_pitfalls_of_one_with_them(index: ApiIndex) -> None:
    text = (
        HEAD
        + NET
        + "    def __call__(self, x):\n        h = self.fc(x)\n        return h + x.unsqueeze(0) + x.size(0)\n"
    )

    def codes(text: str) -> list[str]:
        return [one.code for one in pitfalls(Queries(Buffer(text), index).evaluator, Rules())]

    assert codes(text) == codes(text.replace("(self, x)", "(self, x: mx.array)")) == ["foreign-method", "size-call"]


def test_recursive_functions_end(index: ApiIndex) -> None:
    text = "def f(x$):\n    return g(x)\ndef g(x):\n    return f(x)\nf(mx.zeros(3))"
    assert reason(text, index) == "every call in this file passes one"
    assert reason("def f(x$):\n    return f(x)", index) is None
    assert reason("def f(x$):\n    return g(x)\ndef g(x):\n    return mx.sum(x), f(x)", index) == "`g` takes it"


def test_a_call_does_not_prove_what_it_passes_itself(index: ApiIndex) -> None:
    assert reason("def f(x$):\n    return g(x)\ndef g(a):\n    return a.t()\ng(mx.zeros(3))", index) is None
