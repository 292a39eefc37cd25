"""What expressions mean, finished or not; what is not certain stays unknown."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenny_lsp.inference.files import Files
from tenny_lsp.inference.meaning import (
    Api,
    Function,
    Group,
    Instance,
    LocalClass,
    LocalFunction,
    LocalModule,
    Meaning,
    Plain,
    Table,
)
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tests.unit.test_buffer import PIECES

IMPORTS = """\
import functools
from functools import partial
from typing import Callable, Dict, List, Optional, Tuple, Union
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
"""

MODEL = """\
class Block(nn.Module):
    scale: mx.array

    def __init__(self, dims: int, heads: int = 8):
        super().__init__()
        self.fc = nn.Linear(dims, dims)
        self.norm, self.drop = nn.RMSNorm(dims), nn.Dropout(0.1)
        self.layers = [nn.Linear(dims, dims) for _ in range(3)]
        self.mixed = [nn.Linear(1, 2), nn.ReLU()]
        self.seq = nn.Sequential(nn.Linear(dims, dims), nn.ReLU())
        self.bias = None
        if heads:
            self.bias = mx.zeros((dims,))
        self.either = nn.ReLU() if heads else nn.GELU()
        self.blocks = []
        for _ in range(3):
            self.blocks.append(nn.Embedding(1, 2))
        self.reset()

    def reset(self):
        self.state = mx.zeros(3)

    @property
    def width(self):
        return self.fc.weight.shape[0]

    @functools.cached_property
    def mask(self) -> mx.array:
        return foo()

    @staticmethod
    def rotate(x: mx.array):
        return -x

    @classmethod
    def make(cls):
        return cls(3)

    def attend(self, q, k=None):
        return self.fc(q) @ k

    def __call__(self, x):
        h = self.norm(self.fc(x))
        return h + x

class Wide(Block):
    def __init__(self):
        super().__init__(3)
        self.extra = optim.Adam(1e-3)

"""

#: Code with a cursor after the dot, and what stands before it.
KNOWN = {
    "call": ("x = mx.zeros((2, 3))\nx.‸\n", "array"),
    "next line follows": ("x = mx.zeros((2, 3))\nx.‸\ny = 3\n", "array"),
    "member half written": ("x = mx.zeros(3)\nx.resh‸", "array"),
    "method's result": ("mx.zeros(3).reshape(1, 3).‸", "array"),
    "property": ("mx.zeros(3).T.‸", "array"),
    "constant": ("mx.float32.‸", "Dtype"),
    "data type": ("mx.zeros(3).dtype.‸", "Dtype"),
    "shape": ("mx.zeros(3).shape.‸", "tuple[int]"),
    "size of an axis": ("mx.zeros(3).shape[0].‸", "int"),
    "unpacked shape": ("B, *L, D = mx.zeros(3).shape\nD.‸", "int"),
    "unpacked shape, starred": ("B, *L, D = mx.zeros(3).shape\nL.‸", "list[int]"),
    "class": ("mx.array.‸", "mlx.core.array"),
    "module": ("mx.fast.‸", "mlx.core.fast"),
    "reassigned": ("x = 3\nx = mx.zeros(3)\nx.‸", "array"),
    "assigned twice at once": ("x = y = mx.zeros(3)\nx.‸", "array"),
    "stub that lies": ("a, b = mx.split(x, 2)\nb.‸", "array"),
    "unpacked, nested": ("(a, (b, c)), *d = (1, (mx.zeros(3), nn.ReLU())), 4\nc.‸", "ReLU"),
    "swapped": ("a, b = mx.zeros(3), nn.ReLU()\na, b = b, a\nb.‸", "array"),
    "svd": ("u, s, vt = mx.linalg.svd(x)\ns.‸", "array"),
    "walrus": ("if (n := mx.zeros(3)).sum() > n.‸:\n    pass", "array"),
    "annotation": ("x: mx.array = foo()\nx.‸", "array"),
    "annotation alone": ("x: nn.Module\nx.‸", "Module"),
    "parameter": ("def f(x: mx.array):\n    x.‸", "array"),
    "optional parameter": ("def f(x: Optional[mx.array] = None):\n    x.‸", "array"),
    "parameter or None": ("def f(x: mx.array | None = None):\n    x.‸", "array"),
    "parameter in quotes": ("def f(x: 'mx.array'):\n    x.‸", "array"),
    "union with None": ("def f(x: Union[None, 'mx.array']):\n    x.‸", "array"),
    "list parameter": ("def f(x: list[mx.array]):\n    x[0].‸", "array"),
    "typing's list": ("def f(x: List[mx.array]):\n    for y in x:\n        y.‸", "array"),
    "tuple parameter": ("def f(x: Tuple[int, mx.array]):\n    a, b = x\n    b.‸", "array"),
    "long tuple": ("def f(x: tuple[mx.array, ...]):\n    x[3].‸", "array"),
    "dict parameter": ("def f(x: Dict[str, mx.array]):\n    x['a'].‸", "array"),
    "dict's items": ("def f(x: dict[str, mx.array]):\n    for k, v in x.items():\n        v.‸", "array"),
    "callable parameter": ("def f(act: Callable[[mx.array], mx.array]):\n    act(3).‸", "array"),
    "starred parameters": ("def f(*xs: mx.array, **ks: nn.Module):\n    xs[0].‸", "array"),
    "starred keywords": ("def f(*xs: mx.array, **ks: nn.Module):\n    ks['a'].‸", "Module"),
    "keyword-only parameter": ("def f(*, x: mx.array):\n    x.‸", "array"),
    "from a function around": ("def f(x: mx.array):\n    def g():\n        x.‸", "array"),
    "operator": ("x = mx.zeros(3)\ny = 2 * x + 1\ny.‸", "array"),
    "number first": ("(1.0 / mx.zeros(3)).‸", "array"),
    "constant first": ("(mx.pi * mx.zeros(3)).‸", "array"),
    "array first": ("(mx.zeros(3) @ foo()).‸", "array"),
    "negative": ("(-mx.zeros(3)).‸", "array"),
    "comparison": ("(mx.zeros(3) > 0).‸", "array"),
    "augmented": ("x = mx.zeros(3)\nx += foo()\nx.‸", "array"),
    "place to update": ("mx.zeros(3).at[0].‸", "ArrayAt"),
    "subscript": ("mx.zeros(3)[..., None, 1:].‸", "array"),
    "conditional": ("x = mx.zeros(3) if a else mx.ones(3)\nx.‸", "array"),
    "or": ("def f(x: mx.array = None):\n    (x or mx.zeros(3)).‸", "array"),
    "loop over an array": ("for row in mx.zeros((3, 3)):\n    row.‸", "array"),
    "loop over a list": ("for m in [nn.Linear(1, 2), nn.Linear(2, 3)]:\n    m.‸", "Linear"),
    "enumerated": ("for i, m in enumerate([nn.Linear(1, 2)]):\n    m.‸", "Linear"),
    "zipped": ("for m, x in zip([nn.Linear(1, 2)], mx.zeros(3)):\n    x.‸", "array"),
    "comprehension": ("[x.‸ for x in mx.zeros((3, 3))]", "array"),
    "comprehension's result": ("ys = [x.sum() for x in mx.zeros((3, 3))]\nys[0].‸", "array"),
    "comprehension, then another meaning": ("def f(x: mx.array):\n    y = [x.‸ for _ in z]\n    x = 3", "array"),
    "dict comprehension": ("d = {k: mx.zeros(3) for k in ks}\nd['a'].‸", "array"),
    "dict": ("d = {'a': mx.zeros(3), 'b': mx.ones(3)}\nd['a'].‸", "array"),
    "dict filled": ("d = {}\nd['a'] = mx.zeros(3)\nd['a'].‸", "array"),
    "list filled": ("xs = []\nfor y in z:\n    xs.append(mx.zeros(3))\nxs[0].‸", "array"),
    "list extended": ("xs = []\nxs.extend([mx.zeros(3)])\nxs += (mx.ones(3),)\nxs[-1].‸", "array"),
    "lists added": ("xs = [mx.zeros(3)] + [mx.ones(3)]\nxs[0].‸", "array"),
    "slice of a list": ("def f(xs: list[mx.array]):\n    xs[1:][0].‸", "array"),
    "own class of a list": ("list(mx.zeros(3))[0].‸", "array"),
    "round a loop": ("x = mx.zeros(3)\nfor _ in y:\n    x = x * 2\nx.‸", "array"),
    "round a loop, inside": ("x = mx.zeros(3)\nwhile a:\n    x.‸\n    x = mx.abs(x)", "array"),
    "all branches": (
        "x = 3\nif a:\n    x = mx.zeros(3)\nelif b:\n    x = mx.ones(3)\nelse:\n    x = mx.eye(3)\nx.‸",
        "array",
    ),
    "branch that returns": ("def f(x: mx.array):\n    if a:\n        x = 3\n        return x\n    x.‸", "array"),
    "branch that raises": ("x = 3\nif a:\n    x = mx.zeros(3)\nelse:\n    raise E\nx.‸", "array"),
    "other branch": ("x = mx.zeros(3)\nif a:\n    x = 3\nelse:\n    x.‸", "array"),
    "try and except": ("x = 3\ntry:\n    x = mx.zeros(3)\nexcept E:\n    x = mx.ones(3)\nx.‸", "array"),
    "endless loop": ("x = 3\nwhile True:\n    x = mx.zeros(3)\n    break\nx.‸", "array"),
    "default replaced": ("def f(x: mx.array = None):\n    if x is None:\n        x = mx.zeros(3)\n    x.‸", "array"),
    "None at first": ("x = None\nif a:\n    x = mx.zeros(3)\nx.‸", "array"),
    "isinstance": ("def f(x):\n    if isinstance(x, mx.array) and x.‸:\n        pass", "array"),
    "isinstance, in its block": ("def f(x):\n    if a and isinstance(x, nn.Linear):\n        y = x.‸", "Linear"),
    "isinstance against an annotation": ("def f(x: int):\n    if isinstance(x, mx.array):\n        x.‸", "array"),
    "isinstance asserted": ("def f(x):\n    assert isinstance(x, mx.array)\n    x.‸", "array"),
    "layer": ("nn.Linear(1, 2).‸", "Linear"),
    "layer called": ("nn.Linear(1, 2)(x).‸", "array"),
    "layer without annotations called": ("nn.Conv2d(1, 2, 3)(x).‸", "array"),
    "activation called": ("nn.ReLU()(x).‸", "array"),
    "activation function": ("nn.gelu_approx(x).‸", "array"),
    "recurrent layer": ("h, c = nn.LSTM(1, 2)(x)\nc.‸", "array"),
    "sequential": ("nn.Sequential(nn.Linear(1, 2), nn.LSTM(1, 2))(x)[0].‸", "array"),
    "layer of a sequential": ("nn.Sequential(nn.Linear(1, 2), nn.ReLU()).layers[0].‸", "Linear"),
    "method that returns itself": ("nn.Linear(1, 2).eval().‸", "Linear"),
    "loaded array": ("mx.load('x.npy').‸", "array"),
    "loaded weights": ("for k, v in mx.load(f'{path}/model.safetensors').items():\n    v.‸", "array"),
    "optimizer": ("opt = optim.AdamW(learning_rate=1e-3)\nopt.‸", "AdamW"),
    "parameters": ("nn.Linear(1, 2).parameters().‸", "dict"),
    "parameters, flattened": (
        "from mlx.utils import tree_flatten\nfor k, v in tree_flatten(nn.Linear(1, 2).parameters()):\n    v.‸",
        "array",
    ),
    "gradients, flattened": (
        "from mlx.utils import tree_flatten\n_, g = nn.value_and_grad(nn.Linear(1, 2), f)(x)\ntree_flatten(g)[0][1].‸",
        "array",
    ),
    "parameters, flattened and named": (
        "from mlx.utils import tree_flatten\nfor k, v in tree_flatten(nn.Linear(1, 2).parameters()):\n    k.‸",
        "str",
    ),
    "parameters, flattened into what is given": (
        "from mlx.utils import tree_flatten\ntree_flatten(nn.Linear(1, 2).parameters(), destination={})[0].‸",
        None,
    ),
    "own module": (MODEL + "m = Block(3)\nm.‸", "Block"),
    "own module called": (MODEL + "y = Block(3)(mx.zeros(3))\ny.‸", "array"),
    "own attribute": (MODEL + "Block(3).fc.‸", "Linear"),
    "own attribute, unpacked": (MODEL + "Block(3).drop.‸", "Dropout"),
    "own attribute, set in another method": (MODEL + "Block(3).state.‸", "array"),
    "own attribute, None at first": (MODEL + "Block(3).bias.‸", "array"),
    "own attribute, annotated": (MODEL + "Block(3).scale.‸", "array"),
    "own list of layers": (MODEL + "for l in Block(3).layers:\n    l.‸", "Linear"),
    "own list, filled": (MODEL + "Block(3).blocks[0].‸", "Embedding"),
    "own sequential": (MODEL + "Block(3).seq.layers[1].‸", "ReLU"),
    "own property": (MODEL + "Block(3).mask.‸", "array"),
    "own static method": (MODEL + "Block.rotate(x).‸", "array"),
    "own class method": (MODEL + "Block.make().fc.‸", "Linear"),
    "own method": (MODEL + "Block(3).attend(x).‸", "array"),
    "own method, inherited from nn.Module": (MODEL + "Block(3).freeze().‸", "Block"),
    "inherited attribute": (MODEL + "Wide().fc.‸", "Linear"),
    "inherited call": (MODEL + "Wide()(x).‸", "array"),
    "added attribute": (MODEL + "Wide().extra.‸", "Adam"),
    "self": ("class A(nn.Module):\n    def f(self):\n        self.w = mx.zeros(3)\n        self.‸\n", "A"),
    "self's attribute": (
        "class A(nn.Module):\n    def f(self):\n        self.w.‸\n    def g(self):\n        self.w = mx.zeros(3)\n",
        "array",
    ),
    "self's attribute, here": (
        "class A:\n    def f(self):\n        self.w = mx.zeros(3)\n        self.w.‸\n    def g(s):\n        s.w = 3",
        "array",
    ),
    "super": ("class A(nn.Linear):\n    def __call__(self, x):\n        super().__call__(x).‸", "array"),
    "function": ("def f(x):\n    return mx.abs(x)\nf(3).‸", "array"),
    "function's annotation": ("def f(x) -> mx.array:\n    return x\nf(3).‸", "array"),
    "function, two returns": (
        "def f(x):\n    if x:\n        return mx.abs(x)\n    return mx.zeros(3)\nf(3).‸",
        "array",
    ),
    "function's tuple": ("def f(x):\n    return mx.abs(x), nn.ReLU()\na, b = f(3)\nb.‸", "ReLU"),
    "generator": ("def f(x):\n    for i in x:\n        yield mx.abs(i), i\nfor a, b in f(3):\n    a.‸", "array"),
    "lambda": ("f = lambda x: mx.abs(x)\nf(3).‸", "array"),
    "partial": ("f = partial(mx.sum, axis=1)\nf(3).‸", "array"),
    "compiled": ("f = mx.compile(lambda x: mx.abs(x))\nf(3).‸", "array"),
    "compiled by decorator": ("@mx.compile\ndef f(x):\n    return mx.abs(x)\nf(3).‸", "array"),
    "compiled by partial": ("@partial(mx.compile, inputs=s)\ndef f(x):\n    return mx.abs(x)\nf(3).‸", "array"),
    "cached": ("@functools.lru_cache(3)\ndef f(x):\n    return mx.abs(x)\nf(3).‸", "array"),
    "gradient": ("def f(x: mx.array):\n    return mx.abs(x)\ng = mx.grad(f)(x)\ng.‸", "array"),
    "value and gradient": ("def f(x: mx.array):\n    return mx.abs(x)\nv, g = mx.value_and_grad(f)(x)\ng.‸", "array"),
    "value and gradients of a model": (
        "def loss(m, x):\n    return mx.mean(m(x))\nstep = nn.value_and_grad(model, loss)\nl, g = step(m, x)\nl.‸",
        "array",
    ),
    "vectorised": ("mx.vmap(lambda x: mx.abs(x))(y).‸", "array"),
    "recursive": ("def f(x, n):\n    if n:\n        return f(x, n - 1) + 1\n    return mx.abs(x)\nf(3, 4).‸", "array"),
    "in an open call": ("x = mx.zeros(3)\ny = foo(x.‸\nz = 3", "array"),
    "in open brackets": ("def f():\n    x = mx.zeros(3)\n    y = foo([1, (x.‸\n    return y", "array"),
    "in an open loop": ("def f():\n    x = mx.zeros(3)\n    for y in x.‸\n    return 3", "array"),
    "in a keyword": ("x = mx.zeros(3)\nfoo(axis=x.‸)", "array"),
    "in an f-string": ("x = mx.zeros(3)\nf'{x.‸}'", "array"),
    "in a broken class": (
        "class A(nn.Module):\n    def f(self, x: mx.array):\n        y = x.‸\n\n    def g(self\n",
        "array",
    ),
}  # fmt: skip

#: Code with a cursor after the dot of something that may be many things.
UNKNOWN = {
    "parameter": "def f(x):\n    x.‸",
    "parameter with a default": "def f(x=mx.zeros(3)):\n    x.‸",
    "unknown call": "x = foo()\nx.‸",
    "numpy": "import numpy as np\nx = np.zeros(3)\nx.‸",
    "numpy first": "import numpy as np\nx = np.zeros(3) * mx.zeros(3)\nx.‸",
    "unknown first": "(foo() @ mx.zeros(3)).‸",
    "compared with unknown": "(mx.zeros(3) == foo()).‸",
    "rebound in a branch": "x = mx.zeros(3)\nif a:\n    x = 3\nx.‸",
    "rebound in a loop": "x = mx.zeros(3)\nfor y in z:\n    x = foo(x)\nx.‸",
    "rebound later in the loop": "x = mx.zeros(3)\nfor y in z:\n    x.‸\n    x = [1]",
    "changes as it goes round": "x = mx.zeros(3)\nfor y in z:\n    x = [x]\nx.‸",
    "rebound in a try": "x = mx.zeros(3)\ntry:\n    x = foo()\nexcept E:\n    pass\nx.‸",
    "other in one branch": "if a:\n    x = mx.zeros(3)\nelse:\n    x = 'a'\nx.‸",
    "deleted": "x = mx.zeros(3)\ndel x\nx.‸",
    "parameter of that name": "x = mx.zeros(3)\ndef f(x):\n    x.‸",
    "two kinds in a list": "for m in [nn.Linear(1, 2), nn.ReLU()]:\n    m.‸",
    "another kind appended": "xs = [mx.zeros(3)]\nxs.append(nn.ReLU())\nxs[0].‸",
    "unknown extended": "xs = [mx.zeros(3)]\nxs.extend(foo())\nxs[0].‸",
    "another kind set": "xs = [mx.zeros(3)]\nxs[0] = 'a'\nxs[0].‸",
    "another kind updated": "d = {'a': mx.zeros(3)}\nd.update(foo())\nd['a'].‸",
    "two kinds by annotation": "def f(x: mx.array | list):\n    x.‸",
    "own attribute of two kinds": MODEL + "Block(3).either.‸",
    "own list of two kinds": MODEL + "for l in Block(3).mixed:\n    l.‸",
    "attribute that nothing sets": MODEL + "Block(3).nothing.‸",
    "unknown base": "class A(Base):\n    pass\nA().fc.‸",
    "unknown decorator": "@foo\ndef f(x):\n    return mx.abs(x)\nf(3).‸",
    "decorated class": "@foo\nclass A:\n    x = mx.zeros(3)\nA.x.‸",
    "two kinds returned": "def f(x):\n    if x:\n        return mx.abs(x)\n    return 'a'\nf(3).‸",
    "coroutine": "async def f(x):\n    return mx.abs(x)\nf(3).‸",
    "endless recursion": "def f(x):\n    return f(x)\nf(3).‸",
    "loaded weights and metadata": "mx.load('a.safetensors', return_metadata=True)['a'].‸",
    "overloads that disagree": "mx.load('a').‸",
    "isinstance of something else": "def f(x):\n    if isinstance(y, mx.array):\n        x.‸",
    "not an instance": "def f(x):\n    if not isinstance(x, mx.array):\n        x.‸",
    "instance, in the other branch": "def f(x):\n    if isinstance(x, mx.array):\n        pass\n    else:\n        x.‸",
    "instance, then set anew": "def f(x):\n    if isinstance(x, mx.array):\n        x = foo()\n        x.‸",
    "unpacked too far": "a, b, c = mx.zeros(3), mx.ones(3)\nc.‸",
    "context": "with open('a') as f:\n    f.‸",
    "exception": "try:\n    pass\nexcept E as e:\n    e.‸",
    "svd without its vectors": "s = mx.linalg.svd(x, compute_uv=False)\ns[0].‸",
    "rebound around a function": "def f(x: mx.array):\n    def g():\n        x.‸\n    x = 3",
    "member of an enumeration": "import enum\nclass E(enum.Enum):\n    A = mx.float32\nE.A.‸",
    "circle of attributes": "class A(nn.Module):\n    def f(self):\n        self.x = self.x[1:]\nA().x.‸",
    "global set elsewhere": "x = mx.zeros(3)\ndef f():\n    global x\n    x = 3\nx.‸",
    "no dot": "x = mx.zeros(3)\nx‸",
}


def shown(meaning: Meaning | None) -> str | None:
    """Returns a meaning in one word."""
    if isinstance(meaning, Instance):
        return (shown(meaning.of) or "").rpartition(".")[2]
    if isinstance(meaning, Api):
        return meaning.entry.name
    if isinstance(meaning, LocalClass):
        name = meaning.node.child_by_field_name("name")
        return name.text.decode() if name is not None and name.text is not None else None
    if isinstance(meaning, Group):
        return f"{meaning.kind}[{shown(meaning.each)}]"
    if isinstance(meaning, Table):
        return "dict"
    if isinstance(meaning, Function | LocalFunction):
        return "function"
    if isinstance(meaning, LocalModule):
        return "module"
    return meaning.name if isinstance(meaning, Plain) else None


def owner(code: str, index: ApiIndex) -> str | None:
    before, _, after = (IMPORTS + code).partition("‸")
    return shown(Queries(Buffer(before + after), index, Files()).owner_at(len(before)))


@pytest.mark.parametrize(("code", "name"), KNOWN.values(), ids=list(KNOWN))
def test_known(code: str, name: str, mlx_index: ApiIndex) -> None:
    assert owner(code, mlx_index) == name


@pytest.mark.parametrize("code", UNKNOWN.values(), ids=list(UNKNOWN))
def test_unknown(code: str, mlx_index: ApiIndex) -> None:
    assert owner(code, mlx_index) is None


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    files = {
        "net.py": IMPORTS + MODEL + "def loss(x):\n    return mx.mean(x)\n\nfrom deep import far\n",
        "deep.py": "from deeper import far\n",
        "deeper.py": "import mlx.core as mx\nfar = mx.zeros(3)\n",
        "kit/__init__.py": "from .layers import Layer\n",
        "kit/layers.py": IMPORTS + "class Layer(nn.Linear):\n    pass\n",
        "kit/main.py": "",
        "loop.py": "from main import x\n",
        "broken.py": "def f(:\n",
        "binary.py": "\udcff",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8", errors="surrogateescape")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "code", "name"),
    [
        ("main.py", "from net import Block\nBlock(3).fc.‸", "Linear"),
        ("main.py", "from net import loss as l\nl(x).‸", "array"),
        ("main.py", "import net\nnet.Wide()(x).‸", "array"),
        ("main.py", "import net as n\nclass A(n.Block):\n    def f(self):\n        self.seq.‸", "Sequential"),
        ("main.py", "from kit.layers import Layer\nLayer(1, 2).‸", "Layer"),
        ("main.py", "from kit import Layer\nLayer(1, 2)(x).‸", "array"),
        ("main.py", "from net import far\nfar.‸", None),
        ("main.py", "from deep import far\nfar.‸", "array"),
        ("kit/main.py", "from .layers import Layer\nLayer(1, 2).‸", "Layer"),
        ("kit/main.py", "from . import layers\nlayers.Layer(1, 2)(x).‸", "array"),
        ("kit/main.py", "from ..net import loss\nloss(x).‸", "array"),
        ("kit/main.py", "from ... import net\nnet.loss(x).‸", None),
        ("main.py", "from loop import x\nx.‸", None),
        ("main.py", "from broken import f\nf(3).‸", None),
        ("main.py", "from binary import f\nf(3).‸", None),
        ("main.py", "from gone import f\nf(3).‸", None),
    ],
)
def test_names_of_other_files(file: str, code: str, name: str | None, workspace: Path, mlx_index: ApiIndex) -> None:
    before, _, after = (IMPORTS + code).partition("‸")
    files = Files((workspace,))

    found = Queries(Buffer(before + after), mlx_index, files, workspace / file).owner_at(len(before))

    assert shown(found) == name


def test_a_relative_import_in_a_file_at_the_root_leads_nowhere() -> None:
    assert Files((Path("/"),)).find(".core", Path("/no-such-file-net.py")) is None


def test_another_file_is_read_again_when_it_has_changed(workspace: Path, mlx_index: ApiIndex) -> None:
    files = Files((workspace,))
    text = "from net import Block\nBlock(3)."

    def fc() -> str | None:
        buffer = Buffer(text + "fc.")
        return shown(Queries(buffer, mlx_index, files, workspace / "main.py").owner_at(len(buffer.text)))

    assert fc() == "Linear"
    (workspace / "net.py").write_text("import mlx.nn as nn\nclass Block:\n    fc = nn.Embedding(3, 4)\n")
    assert fc() == "Embedding"


def test_attributes_of_layers_are_read_from_their_source(mlx_index: ApiIndex) -> None:
    code = "nn.Linear(1, 2).weight.‸"

    assert owner(code, mlx_index) == "array"


def members(code: str, index: ApiIndex) -> dict[str, str | None]:
    before, _, after = (IMPORTS + code).partition("‸")
    queries = Queries(Buffer(before + after), index, Files())
    return {m.name: m.entry and m.entry.name for m in queries.members_of(queries.owner_at(len(before)))}


def test_members(mlx_index: ApiIndex) -> None:
    of_array = members("mx.zeros(3).‸", mlx_index)
    of_module = members("optim.‸", mlx_index)
    of_model = members(MODEL + "Wide().‸", mlx_index)
    of_layer = members("nn.Linear(1, 2).‸", mlx_index)

    assert of_array["reshape"] == "mlx.core.array.reshape" and "concatenate" not in of_array
    assert of_module["Adam"] == "mlx.optimizers.Adam" and "Linear" not in of_module
    assert list(of_model)[:2] == ["__init__", "extra"]
    assert of_model["attend"] is None and of_model["parameters"] == "mlx.nn.Module.parameters"
    assert {"weight", "bias", "freeze"} <= of_layer.keys()
    assert members("foo().‸", mlx_index) == {}


@pytest.mark.parametrize(
    ("code", "call"),
    [
        ("mx.concatenate([a, b], ‸)", ("mlx.core.concatenate", 1, "", ())),
        ("mx.concatenate([a, ‸b], axis=1)", ("mlx.core.concatenate", 0, "", ("axis",))),
        ("mx.concatenate([a, b], axis=‸", ("mlx.core.concatenate", 1, "axis", ())),
        ("mx.sum(x, axis=1‸, keepdims=True)", ("mlx.core.sum", 1, "axis", ("keepdims",))),
        ("mx.sum(x, ax‸is=1)", ("mlx.core.sum", 1, "", ())),
        ("foo(mx.sum(x, axis=1, keep‸", ("mlx.core.sum", 2, "", ("axis",))),
        ("mx.sum(mx.abs(x), ‸", ("mlx.core.sum", 1, "", ())),
        ("mx.sum(mx.abs(‸), 3)", ("mlx.core.abs", 0, "", ())),
        ("x = mx.zeros(3)\nx.reshape(‸\ny = 3", ("mlx.core.array.reshape", 0, "", ())),
        ("def g():\n    y = mx.sum(x, ax‸\n    z = 3\n", ("mlx.core.sum", 1, "", ())),
        ("nn.Linear(1, ‸", ("mlx.nn.Linear", 1, "", ())),
        ("nn.Linear(1, 2)(‸)", ("mlx.nn.Linear.__call__", 0, "", ())),
        ("optim.Adam(\n    learning_rate=1e-3,\n    ‸\n)", ("mlx.optimizers.Adam", 1, "", ("learning_rate",))),
        ("for i in mx.arange(‸:\n    pass", ("mlx.core.arange", 0, "", ())),
        ("f'{mx.sum(‸'", ("mlx.core.sum", 0, "", ())),
        ("mx.zeros((3, ‸", ("mlx.core.zeros", 0, "", ())),
        ("mx.sum‸(x)", None),
        ("mx.sum(x)‸", None),
        ("foo(‸mx.sum(x))", None),
        ("def mx.sum(‸", None),
        ("class A(nn.Linear): ...\nA(‸", None),
        ("mx.sum(x)\n‸", None),
        ("@partial(mx.compile, inputs=s, ‸)\ndef f(): ...", ("mlx.core.compile", 1, "", ("inputs",))),
        ("partial(‸mx.compile)", None),
        ("'mx.sum(‸", None),
    ],
)
def test_call_at(code: str, call: tuple[str, int, str, tuple[str, ...]] | None, mlx_index: ApiIndex) -> None:
    before, _, after = (IMPORTS + code).partition("‸")

    found = Queries(Buffer(before + after), mlx_index).call_at(len(before))

    assert (found and (found.entry.name, found.position, found.keyword, found.keywords)) == call
    assert found is None or (before + after)[: found.start].endswith("(")


LINES = [
    "x = mx.zeros(3)", "x.", "self.x = x", "self.x.append(x)", "class A(nn.Module):", "class A(A):",
    "    def f(self, x):",
    "        return self.f(x)", "        return", "        yield x", "def x(x=x): return x(x)", "x = [x for x in x]",
    "x, *x = x", "for x in x:", "    x += x", "if x:", "else:", "    x = A()", "with x as x:", "@x", "x = lambda x: x",
    "x[0] = x", "x = x.x", "x(x)", "from . import x", "from .x import *", "(x := x)", "del x", "while True:", "try:",
    "except x as x:", "x: x = x", "x = {x: x}", "isinstance(x, x) and x", "super().x", "match x:", "    case x:",
]  # fmt: skip


@given(
    text=st.one_of(
        st.lists(st.sampled_from(LINES), max_size=25).map("\n".join),
        st.lists(st.sampled_from(PIECES + LINES), max_size=40).map("".join),
    ),
    offset=st.integers(0, 600),
)
@settings(deadline=None, max_examples=300)
def test_no_text_and_no_offset_raises(text: str, offset: int, mlx_index: ApiIndex) -> None:
    queries = Queries(Buffer(IMPORTS + text), mlx_index)
    place = len(IMPORTS) + min(offset, len(text))

    list(queries.members_of(queries.owner_at(place)))
    queries.target_at(place)
    queries.call_at(place)
