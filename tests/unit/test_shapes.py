"""What a variable's array is, from the text alone; and what must stay unknown."""

import pytest

from tenny_lsp.features.hover import hover
from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.queries import Queries
from tenny_lsp.inference.shapes.engine import ShapeEngine
from tenny_lsp.inference.shapes.values import array_text
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import every

HEAD = "import mlx.core as mx\nimport mlx.nn as nn\n"
MLP = """\
class MLP(nn.Module):
    def __init__(self, dims: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dims, hidden)
        self.fc2 = nn.Linear(hidden, dims)

    def __call__(self, x):
        h = nn.gelu(self.fc1(x))
        return self.fc2(h)

"""
ATTENTION = """\
class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_heads = config.n_heads
        self.q = nn.Linear(config.hidden_size, config.hidden_size)

    def __call__(self, x, mask=None):
        B, T, D = x.shape
        q = self.q(x).reshape(B, T, self.n_heads, -1)
        q = q.transpose(0, 2, 1, 3)
        scores = q @ q.swapaxes(-1, -2)
        return scores

"""

PAST = """\
def f(x, past=None):
    if past is not None:
        x = mx.concatenate([past, x])
    return x

"""

#: Code, with the variable that is asked about behind ``‸``, and what its array is; "" for unknown.
KNOWN = {
    "creation": ("x‸ = mx.zeros((2, 3))", "(2, 3) float32"),
    "dtype": ("x‸ = mx.zeros((2, 3), mx.float16)", "(2, 3) float16"),
    "a symbol": ("n = len(open('f').read())\nx‸ = mx.zeros((n, 2 * n))", "(n, 2*n) float32"),
    "broadcast": ("x = mx.ones((2, 1))\ny‸ = x + mx.ones(3)", "(2, 3) float32"),
    "none and slices": ("x = mx.ones((4, 6))\ny‸ = x[:, None, 1:-1]", "(4, 1, 4) float32"),
    "unpacking": ("a, b‸ = mx.split(mx.ones((4, 6)), 2, axis=1)", "(4, 3) float32"),
    "an alias": ("x = mx.ones(3)\ny = x\nz‸ = y", "(3,) float32"),
    "branches that agree": ("if c:\n    x = mx.ones(3)\nelse:\n    x = mx.zeros(3)\ny‸ = x", "(3,) float32"),
    "branches that differ": ("if c:\n    x = mx.ones(3)\nelse:\n    x = mx.zeros(4)\ny‸ = x", "(?,) float32"),
    "a branch that a run goes through": (
        f"{PAST}y‸ = f(mx.ones((2, 3)), mx.ones((4, 3)))",
        "(6, 3) float32",
    ),
    "a branch that a run leaves out": (f"{PAST}y‸ = f(mx.ones((2, 3)))", "(2, 3) float32"),
    "a branch of which nothing is known": (f"{PAST}y‸ = f(mx.ones((2, 3)), found())", "(?, 3)"),
    "one of two branches": (
        "def f(x, m=None):\n    if m is None:\n        z = x[:1]\n    else:\n        z = x\n    return z\n"
        "y‸ = f(mx.ones((2, 3)))",
        "(1, 3) float32",
    ),
    "a parameter that is given another value": (
        "def f(x, m=None):\n    m = m or g()\n    z = x\n    if m is None:\n        z = x[:1]\n    return z\n"
        "y‸ = f(mx.ones((2, 3)))",
        "(?, 3) float32",
    ),
    "a loop that grows": ("x = mx.ones((1, 2))\nfor i in y:\n    x = mx.concatenate([x, x])\nz‸ = x", "(?, 2) float32"),
    "a loop that keeps": ("x = mx.ones((1, 2))\nfor i in y:\n    x = x + 1\nz‸ = x", "(1, 2) float32"),
    "another turn's number": (
        "old = mx.ones((1, 2))\nfor t in ts:\n    n = len(t)\n    x = mx.zeros((n, 2))\n"
        "    y‸ = mx.concatenate([old, x])\n    old = x",
        "(?, 2) float32",
    ),
    "a number that changes": (
        "n = len(a)\nx = mx.zeros((n, 2))\nn = len(b)\ny‸ = x + mx.zeros((n, 2))",
        "(?, 2) float32",
    ),
    "sequential": (
        "net = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2))\n"
        "y‸ = net(mx.zeros((4, 28, 28, 1)))",
        "(4, 14, 14, 8) float32",
    ),
    "a module": (MLP + "net = MLP(16, 32)\ny‸ = net(mx.zeros((5, 16)))", "(5, 16) float32"),
    "a module's parameter": (
        MLP.replace("h =", "h‸ =") + "net = MLP(16, 32)\nnet(mx.zeros((5, 16)))",
        "(5, hidden) float32",
    ),
    "attention": (ATTENTION.replace("scores =", "scores‸ ="), "(B, n_heads, T, T)"),
    "arithmetic": (ATTENTION.replace("q = q", "q‸ = q"), "(B, n_heads, T, hidden_size // n_heads)"),
    "a function": (
        "def double(x):\n    return mx.concatenate([x, x], axis=-1)\ny‸ = double(mx.ones((2, 3)))",
        "(2, 6) float32",
    ),
    "a nested function": (
        "def f(n: int):\n    def g(x):\n        return mx.zeros((n, x.shape[0]))\n    y‸ = g(mx.ones(3))",
        "(n, 3) float32",
    ),
    "a function that calls itself": (
        "def f(x, n):\n    return x if n == 0 else f([x, x], n - 1)\ny‸ = f(mx.ones(3), 9)",
        "",
    ),
    "a large number": ("x‸ = mx.arange(2**33, 2**33 + 2)", "(2,)"),
    "a number of unknown size": ("n = int(open('f').read())\nx‸ = mx.array([n, n])", "(2,)"),
    "a list that grows": ("xs = [mx.ones(3)]\nxs.append(mx.ones(4))\ny‸ = mx.stack(xs)", ""),
    "a changed layer": (
        MLP.replace("h =", "h‸ =") + "net = MLP(16, 32)\nnet.fc1 = nn.Linear(16, 8)\nnet(mx.ones(16))",
        "",
    ),
    "calls that differ": ("def f(x):\n    y‸ = x * 2\n    return y\nf(mx.ones(3))\nf(mx.ones((2, 3)))", "float32"),
    "a comment": (
        "def f(\n    x: mx.array,  # (B, T, 512)\n    n,\n):\n    y‸ = x.sum(axis=1)\n",
        "(B, 512)",
    ),
    "a comment that is prose": ("def f(\n    x: mx.array,  # (optional, unused)\n    n,\n):\n    y‸ = x.T\n", ""),
    "jaxtyping": ('def f(x: Float[mx.array, "b t 8"]):\n    y‸ = x.swapaxes(0, 1)\n', "(t, b, 8)"),
    "what is called with it": (
        ATTENTION + "def f(x: mx.array, config):\n    h = mx.abs(x)\n    Attention(config)(h)\n    y‸ = h.T\n",
        "(hidden_size, T, B)",
    ),
    "what may not be called with it": (
        ATTENTION + "def f(x: mx.array, config, c):\n    h = mx.abs(x)\n    if c:\n        Attention(config)(h)\n"
        "    y‸ = h.T\n",
        "",
    ),
    "what is replaced before": (
        ATTENTION + "def f(x: mx.array, config, c):\n    h‸ = mx.abs(x)\n    if c:\n        h = g(h)\n"
        "    Attention(config)(h)\n",
        "",
    ),
    "what a function that keeps the shape is called with": (
        ATTENTION + "def norm(x):\n    return mx.fast.rms_norm(x, None, 1e-5)\ndef f(x: mx.array, config):\n"
        "    h‸ = mx.abs(x)\n    h = h * 0.5\n    Attention(config)(norm(h))\n",
        "(B, T, hidden_size)",
    ),
    "branches that are called alike": (
        ATTENTION
        + "def f(x: mx.array, config, c):\n    if c:\n        h‸ = mx.abs(x)\n    else:\n        h = mx.exp(x)\n"
        "    Attention(config)(h)\n",
        "(B, T, hidden_size)",
    ),
    "what returns before": (
        ATTENTION + "def f(x: mx.array, config, c):\n    h = mx.abs(x)\n    if c:\n        return h\n"
        "    y‸ = h.T\n    Attention(config)(h)\n",
        "",
    ),
    "nothing known": ("y‸ = mx.abs(x)", ""),
    "numpy": ("import numpy as np\ny‸ = np.zeros((2, 3))", ""),
    "what a function adds to a name of another": (
        "def train(parts, half):\n    total = 0.0\n\n    def add(part):\n        nonlocal total\n        if half:\n"
        "            loss = mx.concatenate(part)\n        else:\n            loss = mx.stack(part)\n"
        "        total = total + loss.sum()\n\n    add(parts)\n    y‸ = total / 2\n",
        "",
    ),
    "what raises": ("y‸ = mx.ones(3) + mx.ones(4)", ""),
    "a decorated function": ("@other\ndef f(x):\n    return x\ny‸ = f(mx.ones(3))", ""),
    "a subclass may differ": (
        MLP.replace("h =", "h‸ =") + "class Other(MLP):\n    def __init__(self):\n        self.fc1 = nn.Linear(1, 2)\n",
        "",
    ),
}


def known(index: ApiIndex, code: str) -> str:
    place = code.index("‸")
    found = Queries(Buffer(code.replace("‸", "")), index).shapes.array_at(place)
    return array_text(found.array) if found is not None else ""


@pytest.mark.parametrize("case", KNOWN)
def test_what_is_known_of_an_array(mlx_index: ApiIndex, case: str) -> None:
    code, expected = KNOWN[case]

    assert known(mlx_index, HEAD + code) == expected


def test_a_function_that_calls_itself_with_what_it_was_given_ends(mlx_index: ApiIndex) -> None:
    code = "def make(size):\n    return make(size)\n\ndef call(size):\n    return count(make(size‸))\n"

    assert known(mlx_index, HEAD + code) == ""


async def test_a_hover_on_a_variable_tells_shape_dtype_and_where_they_come_from(mlx_index: ApiIndex) -> None:
    code = HEAD + "x = mx.zeros((2, 3), mx.float16)\n"

    card = await hover(Queries(Buffer(code), mlx_index), code.index("x = mx.z"))

    assert card is not None
    assert card.markdown == "```python\nx: mx.array, (2, 3) float16\n```\n\nfrom `mx.zeros((2, 3), mx.float16)`"


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("def f(x‸: mx.array, y=None):\n    B, T = x.shape\n", "(B, T)"),
        ("def f(x, y‸=None):\n    return mx.exp(x)\nf(mx.zeros(2), mx.ones(3))\n", "(3,) float32"),
    ],
)
async def test_a_hover_on_a_parameter_itself(code: str, shown: str, mlx_index: ApiIndex) -> None:
    text, place = (HEAD + code).replace("‸", ""), (HEAD + code).index("‸") - 1

    card = await hover(Queries(Buffer(text), mlx_index), place)

    assert card is not None and f": mx.array, {shown}\n" in card.markdown


@pytest.mark.parametrize("code", ["y = mx.abs(x)\n", "x = 3\n"])
async def test_no_card_where_nothing_is_known(mlx_index: ApiIndex, code: str) -> None:
    assert await hover(Queries(Buffer(HEAD + code), mlx_index), len(HEAD)) is None


def test_text_that_is_half_typed_is_no_error(mlx_index: ApiIndex) -> None:
    text = HEAD + MLP + ATTENTION + "net = MLP(3, 4)\ny = net(mx.ones((2, 3)))[..., None]\n"
    for end in range(len(HEAD), len(text), 7):
        list(Queries(Buffer(text[:end]), mlx_index).shapes.arrays_in(0, end))


@pytest.mark.parametrize(
    ("call", "raises"),
    [
        ("mse_loss(mx.zeros((8, 1)), mx.zeros(8))", True),
        ("binary_cross_entropy(mx.zeros((8, 2)), mx.zeros((8, 1)))", True),
        ("cross_entropy(mx.zeros((8, 5)), mx.zeros((4,), mx.int32))", True),
        ("cross_entropy(mx.zeros((8, 5)), mx.zeros((2, 4), mx.int32))", True),
        ("mse_loss(mx.zeros((8, 1)), mx.zeros((8, 1)))", False),
        ("cross_entropy(mx.zeros((8, 5)), mx.zeros((8,), mx.int32))", False),
        ("cross_entropy(mx.zeros((8, 5)), mx.zeros((8, 5)))", False),
        ("cross_entropy(mx.zeros((8, 5, 3)), mx.zeros((8, 3), mx.int32), axis=1)", False),
        ("huber_loss(mx.zeros((8, 1)), mx.zeros(8))", False),
        ("mse_loss(unknown, mx.zeros(8))", False),
    ],
)
def test_some_losses_raise_for_shapes_that_are_not_the_same(mlx_index: ApiIndex, call: str, raises: bool) -> None:
    engine = Engine(Buffer(f"{HEAD}y = nn.losses.{call}\n"), mlx_index)

    assert [pitfall.code for pitfall in pitfalls(engine, Rules(["shape-mismatch"]))] == ["shape-mismatch"] * raises


def test_a_function_that_calls_itself_from_within_is_no_deeper_each_time(mlx_index: ApiIndex) -> None:
    # The open bracket makes the parser put the later functions into the first.
    first = "import mlx.optimizers as optim\ndef make(size):\n    return(x.zeros((size, 3))\n"
    later = "def hand_on(size):\n    return make(size)\ndef call_count(size):\n    return count(make(size))\n"

    assert pitfalls(Engine(Buffer(first + later), mlx_index), Rules(["shape-mismatch"])) == []


def test_a_method_that_takes_nothing_demands_nothing(mlx_index: ApiIndex) -> None:
    taken = "    def size():\n        return 3\n    def __call__(self, x):\n        return self.size(x) + x\n"
    code = f"class Net(nn.Module):\n{taken}"

    assert (
        pitfalls(
            Engine(Buffer(f"{HEAD}{code}y = Net()(mx.zeros((2, 3)))\n"), mlx_index), Rules(ignore=["wrong-arguments"])
        )
        == []
    )


def test_each_call_of_a_chain_is_evaluated_once(mlx_index: ApiIndex) -> None:
    def evaluations(length: int) -> int:
        asked = list[int]()
        engine = ShapeEngine(lambda: asked.append(1))
        home = Engine(Buffer(HEAD + "y = mx.zeros((2, 3))" + ".reshape(3, 2).transpose()" * length), mlx_index)
        for node in every(home.buffer.root):
            if node.type == "call":
                assert engine.error(engine.generic(home, node), node) is None
        return len(asked)

    assert evaluations(20) < 3 * evaluations(10)
