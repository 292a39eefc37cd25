"""Places in MLX code, and what a hover there must say. ``‸`` stands before the last letter that the cursor is on.

Written as MLX code is written: from the examples, the documentation and the packages that use it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex

_IMPORTS = """\
import math
from functools import partial
from typing import Optional

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map

"""

_BLOCK = """\
class Block(nn.Module):
    def __init__(self, dims: int, heads: int = 8):
        super().__init__()
        self.norm = nn.RMSNorm(dims)
        self.attention = nn.MultiHeadAttention(dims, heads)
        self.layers = [nn.Linear(dims, dims) for _ in range(4)]
        self.out = nn.Sequential(nn.Linear(dims, dims), nn.GELU())
        self.scale = mx.ones((dims,))

    def mask(self, length: int):
        return nn.MultiHeadAttention.create_additive_causal_mask(length)

    def __call__(self, x: mx.array, cache: Optional[mx.array] = None):
"""

_TRAINING = """\
def loss_fn(model, x, y):
    return mx.mean(nn.losses.cross_entropy(model(x), y))

model = nn.Linear(4, 3)
optimizer = optim.AdamW(learning_rate=1e-3)
loss_and_grad = nn.value_and_grad(model, loss_fn)
loss, grads = loss_and_grad(model, mx.zeros((2, 4)), mx.zeros((2,), mx.int32))
"""

#: Kind → code → the public name whose documentation must be shown.
NAMES: dict[str, dict[str, str]] = {
    "function": {
        "y = mx.concatena‸te([a, b], axis=1)": "mlx.core.concatenate",
        "y = mx.softm‸ax(scores, axis=-1)": "mlx.core.softmax",
        "x = mx.random.norm‸al((2, 3))": "mlx.core.random.normal",
        "y = mx.fast.scaled_dot_product_attenti‸on(q, k, v, scale=s)": "mlx.core.fast.scaled_dot_product_attention",
        "y = mx.fast.ro‸pe(x, 64, traditional=False, base=1e4, scale=1.0, offset=0)": "mlx.core.fast.rope",
        "u, s, vt = mx.linalg.sv‸d(x, stream=mx.cpu)": "mlx.core.linalg.svd",
        "f = mx.fft.rff‸t(x)": "mlx.core.fft.rfft",
        "mx.ev‸al(model.parameters(), optimizer.state)": "mlx.core.eval",
        "y = mx.arang‸e(0, 10, 2)": "mlx.core.arange",
        "loss = nn.losses.cross_entrop‸y(logits, targets)": "mlx.nn.losses.cross_entropy",
        "y = nn.sil‸u(gate) * up": "mlx.nn.silu",
        "nn.quanti‸ze(model, group_size=64, bits=4)": "mlx.nn.quantize",
        "schedule = optim.cosine_deca‸y(1e-3, 1000)": "mlx.optimizers.cosine_decay",
        "grads, norm = optim.clip_grad_nor‸m(grads, 1.0)": "mlx.optimizers.clip_grad_norm",
        "weights = dict(tree_flatte‸n(model.parameters()))": "mlx.utils.tree_flatten",
        "mx.set_memory_limi‸t(1 << 30)": "mlx.core.set_memory_limit",
        "a = mx.aco‸s(x)": "mlx.core.arccos",
    },
    "import": {
        "from mlx.core.fast import layer_nor‸m": "mlx.core.fast.layer_norm",
        "from mlx.nn.layers.base import Modu‸le": "mlx.nn.Module",
        "from mlx.optimizers import Ada‸m as A": "mlx.optimizers.Adam",
        "import mlx.nn.losses as L\nL.mse_los‸s(a, b)": "mlx.nn.losses.mse_loss",
        "from mlx import core\ncore.matmu‸l(a, b)": "mlx.core.matmul",
        "from mlx.core import *\nlogsumex‸p(x)": "mlx.core.logsumexp",
        "try:\n    import mlx.core as m\nexcept ImportError:\n    m = None\nm.wher‸e(a, b, c)": "mlx.core.where",
        "def f():\n    import mlx.core as m\n    return m.tak‸e(x, i)": "mlx.core.take",
        "attention = mx.fast.scaled_dot_product_attention\nattentio‸n(q, k, v, scale=1.0)": (
            "mlx.core.fast.scaled_dot_product_attention"
        ),
    },
    "method of a variable": {
        "x = mx.zeros((2, 3))\nx.reshap‸e(3, 2)": "mlx.core.reshape",
        "x = mx.array([1, 2])\ny = x.astyp‸e(mx.float32)": "mlx.core.array.astype",
        "x = mx.zeros((2, 3)) + 1\nx.transpos‸e(1, 0)": "mlx.core.transpose",
        "a, b = mx.split(x, 2, axis=-1)\nb.squeez‸e(0)": "mlx.core.squeeze",
        "for row in mx.zeros((3, 4)):\n    row.su‸m()": "mlx.core.sum",
        "ys = [mx.abs(x) for x in xs]\nys[0].mea‸n()": "mlx.core.mean",
        "(mx.zeros(3) > 0).al‸l()": "mlx.core.all",
        "mx.zeros((2, 3))[..., None].swapaxe‸s(0, 1)": "mlx.core.swapaxes",
        "if (n := mx.linalg.norm(x)).ite‸m() > 1: ...": "mlx.core.array.item",
        "u, s, vt = mx.linalg.svd(x)\ns.tolis‸t()": "mlx.core.array.tolist",
        "x = mx.zeros(3)\nx.a‸t[0].add(1)": "mlx.core.array.at",
        "x = None\nif a:\n    x = mx.zeros(3)\nelse:\n    x = mx.ones(3)\nx.cumsu‸m()": "mlx.core.cumsum",
        "f = mx.compile(lambda x: mx.exp(x))\nf(3).flatte‸n()": "mlx.core.flatten",
        "parts = {}\nfor k in keys:\n    parts[k] = mx.load(k + '.npy')\nx = mx.stack([mx.zeros(3)])\nx.spli‸t(2)": (
            "mlx.core.split"
        ),
        "outputs = []\nfor _ in range(3):\n    outputs.append(mx.zeros(3))\noutputs[-1].ma‸x()": "mlx.core.max",
        "state = mx.random.key(0)\nk1, k2 = mx.random.split(state)\nk1.vie‸w(mx.int32)": "mlx.core.array.view",
    },
    "method of a parameter": {
        "def f(x: mx.array):\n    return x.argma‸x(axis=-1)": "mlx.core.argmax",
        "def f(x: Optional[mx.array] = None):\n    if x is not None:\n        x.roun‸d(2)": "mlx.core.round",
        "def f(x: 'mx.array | None'):\n    x.moveaxi‸s(0, 1)": "mlx.core.moveaxis",
        "def f(xs: list[mx.array]):\n    for x in xs:\n        x.va‸r()": "mlx.core.var",
        "def f(x):\n    if isinstance(x, mx.array):\n        x.logsumex‸p()": "mlx.core.logsumexp",
        "def f(model: nn.Module):\n    model.freez‸e()": "mlx.nn.Module.freeze",
        "def f(opt: optim.Optimizer):\n    opt.apply_gradient‸s(g, p)": "mlx.optimizers.Optimizer.apply_gradients",
        "def f(*xs: mx.array):\n    xs[0].st‸d()": "mlx.core.std",
    },
    "method in a module": {
        _BLOCK + "        return self.norm(x).sqrt‸()": "mlx.core.sqrt",
        _BLOCK + "        return self.out(x).mi‸n(axis=-1)": "mlx.core.min",
        _BLOCK + "        for layer in self.layers:\n            layer(x).squar‸e()": "mlx.core.square",
        _BLOCK + "        return self.scale.rsqr‸t()": "mlx.core.rsqrt",
        _BLOCK + "        return self.attention(x, x, x, self.mask(3)).ab‸s()": "mlx.core.abs",
        _BLOCK + "        return self.mask(3).pro‸d()": "mlx.core.prod",
        _BLOCK + "        return x\n\nBlock(3).parameter‸s()": "mlx.nn.Module.parameters",
        _BLOCK + "        return x\n\nBlock(3).layers[0].to_quantize‸d()": "mlx.nn.Linear.to_quantized",
        _BLOCK + "        return self.norm(x)\n\nBlock(3)(mx.zeros((2, 3))).lo‸g()": "mlx.core.log",
        _BLOCK + "        self.set_dtyp‸e(mx.float16)": "mlx.nn.Module.set_dtype",
        _TRAINING + "loss.ite‸m()": "mlx.core.array.item",
        _TRAINING + "optimizer.updat‸e(model, grads)": "mlx.optimizers.Optimizer.update",
        _TRAINING + "model.save_weight‸s('a.npz')": "mlx.nn.Module.save_weights",
        "@partial(mx.compile, inputs=state)\ndef step(x):\n    return mx.abs(x)\n\nstep(x).lo‸g1p()": "mlx.core.log1p",
    },
    "unfinished": {
        "y = mx.conv2‸d(x, w, stride=": "mlx.core.conv2d",
        "def f(x: mx.array):\n    y = x.reciproca‸l(\n    return y": "mlx.core.reciprocal",
        "class A(nn.Module):\n    def __init__(self):\n        self.fc = nn.Linear(1, 2)\n    def f(self):\n"
        "        self.fc.unfreez‸e(": "mlx.nn.Module.unfreeze",
        "x = [mx.zeros(3), mx.on‸es(": "mlx.core.ones",
    },
}

#: What a keyword argument's hover must say: its name, and one of these.
KEYWORDS: dict[str, tuple[str, ...]] = {
    "mx.concatenate([a, b], axi‸s=1)": ("axis to concatenate along", "int | None", "Optional[int]"),
    "mx.sum(x, keepdim‸s=True)": ("reduced axes as singleton", "bool"),
    "nn.Linear(2, 3, bia‸s=False)": ("the layer will not use a bias", "bool"),
    "optim.AdamW(learning_rat‸e=1e-3)": ("learning rate", "float"),
    "nn.losses.cross_entropy(a, b, label_smoothin‸g=0.1)": ("label smoothing factor", "float"),
    "mx.random.randint(0, 9, dtyp‸e=mx.int8)": ("Dtype",),
    "nn.RoPE(64, traditiona‸l=True)": ("traditional implementation", "bool"),
    "@partial(mx.compile, input‸s=state)\ndef step(): ...": ("inputs", "object | None"),
}

#: What a hover on a name of another library must name.
FOREIGN: dict[str, str] = {
    "mx.ca‸t([a, b])": "mx.concatenate",
    "mx.zeros(3).unsqueez‸e(0)": "mx.expand_dims",
    "mx.zeros(3).permut‸e(0, 1)": "transpose",
    "mx.bm‸m(a, b)": "mx.matmul",
    "nn.Conv2‸D(1, 2, 3)": "nn.Conv2d",
    "nn.ModuleLis‸t([])": "list",
    "optim.Adam(1e-3).zero_gra‸d()": "grad",
    "nn.Linear(1, 2).state_dic‸t()": "parameters",
}

#: What a hover on a variable that holds a layer or an optimizer must name.
VALUES: dict[str, str] = {
    _BLOCK + "        return self.nor‸m(x)": "RMSNorm",
    _BLOCK + "        return self.attentio‸n(x, x, x)": "MultiHeadAttention",
    _BLOCK + "        for layer in self.layers:\n            x = laye‸r(x)": "Linear",
    _TRAINING + "optimize‸r.learning_rate": "AdamW",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A place, and what its hover must say.

    Args:
        kind (str): What is hovered over.
        code (str): The document, with ``‸`` at the cursor.
        facts (tuple[str, ...]): One of them must be in the answer.
        also (str): This too.
    """

    kind: str
    code: str
    facts: tuple[str, ...]
    also: str = ""


def cases(index: ApiIndex) -> Iterator[Case]:
    """Yield every case; the facts of a name are the first words of its documentation."""
    for kind, places in NAMES.items():
        for code, name in places.items():
            entry = index.resolve(name)
            assert entry is not None, name
            yield Case(kind, _IMPORTS + code, facts_of(entry))
    for code, facts in KEYWORDS.items():
        keyword = code.partition("‸")[0].rpartition("(")[2].rpartition(" ")[2]
        yield Case("keyword argument", _IMPORTS + code, facts, also=keyword)
    for code, fact in FOREIGN.items():
        yield Case("name of another library", _IMPORTS + code, (fact,))
    for code, fact in VALUES.items():
        yield Case("variable that holds a layer", _IMPORTS + code, (fact,))


def constructors(index: ApiIndex) -> Iterator[Case]:
    """Yield every ``nn.Module`` that MLX offers in ``nn``, as it is constructed."""
    for entry in index:
        if entry.kind == "class" and entry.name.count(".") == 2 and _is_module(entry, index):
            code = f"import mlx.nn as nn\nlayer = {entry.name[4:-1]}‸{entry.name[-1]}()\n"
            yield Case("constructor", code, facts_of(entry))


def facts_of(entry: ApiEntry) -> tuple[str, ...]:
    """Return what proves that an entry is shown: how its documentation starts; of a method, or where it refers to."""
    words = " ".join(entry.summary.split()[:6]).partition(":math:")[0]
    return (words, f"See {entry.short_name}", f"Equivalent to {entry.short_name}")


def said(text: str) -> str:
    """Return letters and digits only: servers differ in how they show markup."""
    for role in (":func:", ":class:", ":meth:", ":attr:", ":obj:"):
        text = text.replace(role, "")
    return "".join(character for character in text.lower() if character.isalnum())


def is_right(case: Case, answer: str) -> bool:
    """Return whether a hover says what it must."""
    return said(case.also) in said(answer) and any(said(fact) in said(answer) for fact in case.facts)


def _is_module(entry: ApiEntry, index: ApiIndex) -> bool:
    found = [base for name in entry.bases if (base := index.resolve(name)) is not None]
    return any(base.name == "mlx.nn.Module" or _is_module(base, index) for base in found)
