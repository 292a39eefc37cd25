"""Losses given probabilities where they take logits or logarithms, and the other way round."""

from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended, replaced, without
from tenny_lsp.pitfalls.origins import made_by
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, text_of

_PAGE = PYTHON + "nn/_autosummary_functions/mlx.nn.losses."
_LOSSES = "mlx.nn.losses."
_SOFTMAX = {"mlx.core.softmax", "mlx.nn.softmax", "mlx.nn.Softmax"}
_SIGMOID = {"mlx.core.sigmoid", "mlx.nn.sigmoid", "mlx.nn.Sigmoid"}
#: Layers whose results are any numbers, neither probabilities nor their logarithms.
_RAW = {f"mlx.nn.{name}" for name in ("Linear", "Conv1d", "Conv2d", "Conv3d", "QuantizedLinear", "Bilinear")}
_NET = "net = nn.Sequential(nn.Linear(3, 4), nn.{})\nt = mx.array([0, 1])\n"
_CLASS = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.fc = nn.Linear(3, 4)\n"
    "    def __call__(self, x):\n        x = self.fc(x)\n        return {}\nt = mx.array([0, 1])\nnet = Net()\n"
)
_SUMMED = (
    "y = nn.losses.cross_entropy({}, t, reduction='sum')\nexpected = mx.sum(mx.logsumexp(z, axis=-1) - z[[0, 1], t])"
)
_IS_EXPECTED = "abs(y.item() - expected.item()) < 1e-4"
_Z = "z = 9 * x\nt = mx.array([0, 1])\n"


def _given(call: Call) -> Node | None:
    """Return what a loss is of: the first argument."""
    named = (call.value(name) for name in ("logits", "inputs"))
    return call.arguments[0] if call.arguments else next((one for one in named if one is not None), None)


@rule(
    "softmax-twice",
    "warning",
    "Probabilities given to `cross_entropy`",
    _PAGE + "cross_entropy.html",
    scope="file",
    calls=("cross_entropy",),
    examples=(
        Example(_Z + _SUMMED.format("mx.softmax(z, axis=-1)"), _Z + _SUMMED.format("z"), _IS_EXPECTED, "wrong"),
        Example(
            _Z + "p = nn.softmax(z, axis=-1)\n" + _SUMMED.format("p"), _Z + _SUMMED.format("z"), _IS_EXPECTED, "wrong",
            is_fixed=False,
        ),
        Example(
            _NET.format("Softmax()") + "z = net.layers[0](x)\n" + _SUMMED.format("net(x)"),
            _NET.format("Identity()") + "z = net.layers[0](x)\n" + _SUMMED.format("net(x)"),
            _IS_EXPECTED, "wrong", is_fixed=False,
        ),
        Example(
            _CLASS.format("mx.softmax(x, axis=-1)") + "z = net.fc(x)\n" + _SUMMED.format("net(x)"),
            _CLASS.format("x") + "z = net.fc(x)\n" + _SUMMED.format("net(x)"),
            _IS_EXPECTED, "wrong", is_fixed=False,
        ),
    ),
)  # fmt: skip
def softmax_twice(context: RuleContext, call: Call) -> Search | None:
    """Find probabilities given to ``cross_entropy``, which takes the softmax of what it is given."""
    given = _given(call)
    if given is None or context.name(call.function) != f"{_LOSSES}cross_entropy":
        return None
    return partial(_of_probabilities, context, given)


def _of_probabilities(context: RuleContext, given: Node, _: Node) -> Iterator[Finding]:
    if made_by(context, given) not in _SOFTMAX:
        return
    inner = call_of(given)
    fixes: tuple[Fix, ...] = ()
    if inner is not None and context.name(inner.function) in _SOFTMAX and inner.arguments and inner.is_whole:
        logits = text_of(inner.arguments[0])
        fixes = (Fix(f"Give {logits} itself", (replaced(given, logits),), is_safe=False),)
    yield Finding(
        given, "`cross_entropy` takes logits, and applies the softmax itself: of probabilities it is applied twice, "
        "and the model learns slowly or not at all. Give what the softmax is taken of.", fixes,
    )  # fmt: skip


@rule(
    "sigmoid-twice",
    "warning",
    "Probabilities given as logits",
    _PAGE + "binary_cross_entropy.html",
    scope="file",
    calls=("binary_cross_entropy",),
    examples=(
        Example(
            "y = nn.losses.binary_cross_entropy(mx.sigmoid(x), mx.ones((2, 3)))",
            "y = nn.losses.binary_cross_entropy(x, mx.ones((2, 3)))",
            "abs(y.item() - mx.mean(mx.logaddexp(0, -x)).item()) < 1e-4",
            "wrong",
        ),
        Example(
            "net = nn.Sequential(nn.Identity(), nn.Sigmoid())\n"
            "y = nn.losses.binary_cross_entropy(net(x), mx.ones((2, 3)))",
            "net = nn.Sequential(nn.Identity(), nn.Sigmoid())\n"
            "y = nn.losses.binary_cross_entropy(net(x), mx.ones((2, 3)), with_logits=False)",
            "abs(y.item() - mx.mean(mx.logaddexp(0, -x)).item()) < 1e-4",
            "wrong",
        ),
        Example(
            "def predict(a):\n    a = mx.sigmoid(a)\n    return a.squeeze(0)\n"
            "y = nn.losses.binary_cross_entropy(predict(x[None]), mx.ones((2, 3)))",
            "def predict(a):\n    a = mx.sigmoid(a)\n    return a.squeeze(0)\n"
            "y = nn.losses.binary_cross_entropy(predict(x[None]), mx.ones((2, 3)), with_logits=False)",
            "abs(y.item() - mx.mean(mx.logaddexp(0, -x)).item()) < 1e-4",
            "wrong",
        ),
    ),
)
def sigmoid_twice(context: RuleContext, call: Call) -> Search | None:
    """Find ``binary_cross_entropy(sigmoid(x), …)``: it takes logits unless it is told otherwise."""
    if context.name(call.function) != f"{_LOSSES}binary_cross_entropy" or "with_logits" in call.keywords:
        return None
    given = _given(call)
    if given is None or len(call.arguments) > 3 or not call.is_whole:
        return None
    return partial(_of_sigmoid, context, call, given)


def _of_sigmoid(context: RuleContext, call: Call, given: Node, _: Node) -> Iterator[Finding]:
    if made_by(context, given) not in _SIGMOID:
        return
    inner = call_of(given)
    fixes = [Fix("Say with_logits=False", (appended(call, "with_logits=False"),), is_safe=False)]
    if inner is not None and context.name(inner.function) in _SIGMOID and len(inner.arguments) == 1:
        fixes.insert(0, Fix("Remove the sigmoid", (replaced(given, text_of(inner.arguments[0])),), is_safe=False))
    yield Finding(
        given, "`binary_cross_entropy` takes logits and applies the sigmoid itself, so it is applied twice here.",
        tuple(fixes),
    )  # fmt: skip


@rule(
    "logits-as-probabilities",
    "warning",
    "Logits given as probabilities",
    _PAGE + "binary_cross_entropy.html",
    scope="file",
    keywords=("with_logits",),
    examples=(
        Example(
            "lin = nn.Linear(3, 1)\ny = nn.losses.binary_cross_entropy(lin(x), mx.ones((2, 1)), with_logits=False)",
            "lin = nn.Linear(3, 1)\ny = nn.losses.binary_cross_entropy(lin(x), mx.ones((2, 1)))",
            "abs(y.item() - mx.mean(mx.logaddexp(0, -lin(x))).item()) < 1e-4",
            "wrong",
        ),
        Example(
            "net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))\n"
            "y = nn.losses.binary_cross_entropy(net(x), with_logits=False, targets=mx.ones((2, 1)))",
            "net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))\n"
            "y = nn.losses.binary_cross_entropy(net(x), targets=mx.ones((2, 1)))",
            "abs(y.item() - mx.mean(mx.logaddexp(0, -net(x))).item()) < 1e-4",
            "wrong",
        ),
    ),
)
def logits_as_probabilities(context: RuleContext, call: Call) -> Search | None:
    """Find what a linear layer returns as the probabilities of ``binary_cross_entropy(…, with_logits=False)``."""
    given = _given(call)
    if given is None or literal_of(call.value("with_logits")) is not False:
        return None
    if context.name(call.function) != f"{_LOSSES}binary_cross_entropy":
        return None
    return partial(_of_logits, context, call, given)


def _of_logits(context: RuleContext, call: Call, given: Node, _: Node) -> Iterator[Finding]:
    if made_by(context, given) not in _RAW:
        return
    edits = without(call, [call.keywords["with_logits"]])
    fixes = (Fix("Leave it out", edits, is_safe=False),) if call.is_whole else ()
    yield Finding(
        given, "With `with_logits=False` the loss takes probabilities, between 0 and 1, and a linear layer gives "
        "any number. Leave it out, or apply the sigmoid.", fixes,
    )  # fmt: skip


@rule(
    "probabilities-as-logarithms",
    "warning",
    "Probabilities where a loss takes their logarithms",
    _PAGE + "nll_loss.html",
    scope="file",
    calls=("nll_loss", "kl_div_loss"),
    examples=(
        Example(
            _Z + "y = nn.losses.nll_loss(mx.softmax(z, axis=-1), t)",
            _Z + "y = nn.losses.nll_loss(mx.log(mx.softmax(z, axis=-1)), t)",
            "y.min().item() >= 0",
            "wrong",
        ),
        Example(
            "p = mx.softmax(x, axis=-1)\ny = nn.losses.kl_div_loss(mx.log(p), p)",
            "p = mx.softmax(x, axis=-1)\ny = nn.losses.kl_div_loss(mx.log(p), mx.log(p))",
            "mx.abs(y).max().item() < 1e-5",
            "wrong",
        ),
        Example(
            _NET.format("Softmax()") + "y = nn.losses.nll_loss(net(x), t)",
            _NET.format("LogSoftmax()") + "y = nn.losses.nll_loss(net(x), t)",
            "y.min().item() >= 0",
            "wrong",
            is_fixed=False,
        ),
    ),
)
def probabilities_as_logarithms(context: RuleContext, call: Call) -> Search | None:
    """Find probabilities given to ``nll_loss``, and as either distribution to ``kl_div_loss``."""
    if context.name(call.function) != f"{_LOSSES}{call.name}":
        return None
    given = [_given(call)]
    if call.name == "kl_div_loss":
        given.append(call.arguments[1] if len(call.arguments) > 1 else call.value("targets"))
    return partial(_of_no_logarithms, context, call.name, [one for one in given if one is not None])


def _of_no_logarithms(context: RuleContext, loss: str, given: list[Node], _: Node) -> Iterator[Finding]:
    for one in given:
        made = made_by(context, one)
        is_raw = made in _RAW and loss == "nll_loss"
        if made not in _SOFTMAX | _SIGMOID and not is_raw:
            continue
        fixes: tuple[Fix, ...] = ()
        mx = context.alias("mlx.core", one)
        if mx and not is_raw:
            text = f"{mx}.log({text_of(one)})"
            fixes = (Fix(f"Give {text}", (replaced(one, text),), is_safe=False),)
        what = "logits" if is_raw else "probabilities"
        yield Finding(
            one, f"`{loss}` takes logarithms of probabilities, and these are {what}. `nn.log_softmax(logits)` gives "
            "the logarithms; `cross_entropy` takes logits.", fixes,
        )  # fmt: skip


RULES = (softmax_twice, sigmoid_twice, logits_as_probabilities, probabilities_as_logarithms)
