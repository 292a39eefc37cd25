"""Layers of normalisation whose groups are others than PyTorch's."""

from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, appended
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.values import literal_of

#: What tells that weights or code come from PyTorch.
_PORTED = ("pytorch", "PyTorch", "torch.load", "state_dict")
_OLD = "# weights: the state_dict of the old model\n"
_Z = "z = mx.arange(32.0).reshape(1, 2, 2, 8)\n"
_RIGHT = "mx.allclose(y, nn.GroupNorm(2, 8, pytorch_compatible=True)(z)).item()"


@rule(
    "group-norm-order",
    "warning",
    "Groups of channels that are not PyTorch's",
    PYTHON + "nn/_autosummary/mlx.nn.GroupNorm.html",
    calls=("GroupNorm",),
    examples=(
        Example(f"{_OLD}{_Z}y = nn.GroupNorm(2, 8)(z)", f"{_OLD}{_Z}y = nn.GroupNorm(2, 8, pytorch_compatible=True)(z)",
                _RIGHT, "wrong"),
        Example(f"{_Z}norm = nn.GroupNorm(2, 8, pytorch_compatible=True)\nnorm = nn.GroupNorm(num_groups=2, dims=8)\n"
                "y = norm(z)",
                f"{_Z}norm = nn.GroupNorm(2, 8, pytorch_compatible=True)\n"
                "norm = nn.GroupNorm(num_groups=2, dims=8, pytorch_compatible=True)\ny = norm(z)", _RIGHT, "wrong"),
    ),
)  # fmt: skip
def group_norm_order(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find group normalisation without ``pytorch_compatible`` where weights or other layers come from PyTorch."""
    if not call.is_whole or "pytorch_compatible" in call.keywords or len(call.arguments) > 4:
        return
    is_ported = context.file.mentions("pytorch_compatible=True") or any(map(context.file.mentions, _PORTED))
    groups = call.value("num_groups") or next(iter(call.arguments[:1]), None)
    dims = call.value("dims") or next(iter(call.arguments[1:2]), None)
    if not is_ported or groups is None or dims is None or literal_of(groups) == 1 or groups.text == dims.text:
        return  # with one group, or one for each channel, both are the same
    if context.name(call.function) == "mlx.nn.GroupNorm":
        text = "pytorch_compatible=True"
        yield Finding(
            call.function, "MLX puts every n-th channel into a group, PyTorch those that stand side by side: "
            f"weights from there give other results. Give `{text}`.",
            (Fix(f"Give {text}", (appended(call, text),), is_safe=False),),
        )  # fmt: skip


RULES = (group_norm_order,)
