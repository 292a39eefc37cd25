"""Texts given to parameters that take one of a few others, or a number or a function."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.overloads import overloads_of, positional_of
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, rule
from tenny_lsp.pitfalls.signatures import bound_entry
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, text_of

_CORE, _NN = "mlx.core.", "mlx.nn."
_MODES: dict[str, tuple[str, ...]] = {"mode": ("affine", "mxfp4", "mxfp8", "nvfp4")}
_NORM: dict[str, tuple[str, ...]] = {"norm": ("backward", "ortho", "forward")}
_TRANSFORMS = ("fft", "ifft", "rfft", "irfft", "fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn")
_QUANTIZED = ("core.quantize", "core.dequantize", "core.quantized_matmul", "nn.quantize", "nn.QuantizedLinear",
              "nn.QuantizedEmbedding", "nn.Linear.to_quantized", "nn.Embedding.to_quantized")  # fmt: skip
_LOSSES = (
    "cross_entropy", "binary_cross_entropy", "l1_loss", "mse_loss", "nll_loss", "gaussian_nll_loss", "kl_div_loss",
    "smooth_l1_loss", "triplet_loss", "hinge_loss", "huber_loss", "log_cosh_loss", "cosine_similarity_loss",
    "margin_ranking_loss",
)  # fmt: skip
#: Full name → parameter → the texts that it takes.
_CHOICES: dict[str, dict[str, tuple[str, ...]]] = {
    **{f"{_NN}losses.{name}": {"reduction": ("none", "mean", "sum")} for name in _LOSSES},
    **{f"{_CORE}fft.{name}": _NORM for name in _TRANSFORMS},
    **{f"mlx.{name}": _MODES for name in _QUANTIZED},
    f"{_NN}Upsample": {"mode": ("nearest", "linear", "cubic")},
    f"{_NN}GELU": {"approx": ("none", "precise", "tanh", "fast")},
    f"{_CORE}pad": {"mode": ("constant", "edge", "reflect", "symmetric")},
    f"{_CORE}meshgrid": {"indexing": ("xy", "ij")},
    f"{_CORE}convolve": {"mode": ("full", "valid", "same")},
    f"{_CORE}searchsorted": {"side": ("left", "right")},
    f"{_CORE}fast.scaled_dot_product_attention": {"mask": ("causal",)},
    f"{_CORE}distributed.init": {"backend": ("any", "mpi", "ring", "nccl", "jaccl")},
}
_SIZES = ("kernel_size", "stride", "padding", "dilation")
_NUMBER = "a number, or one for each axis"
#: Full name → parameters that take no text, and what they take.
_NO_TEXT: dict[str, dict[str, str]] = {
    **{f"{_NN}Conv{axes}d": dict.fromkeys(_SIZES, _NUMBER) for axes in (1, 2, 3)},
    **{f"{_NN}ConvTranspose{axes}d": dict.fromkeys(_SIZES, _NUMBER) for axes in (1, 2, 3)},
    **{f"{_NN}{kind}Pool{axes}d": dict.fromkeys(_SIZES[:3], _NUMBER) for kind in ("Max", "Avg") for axes in (1, 2, 3)},
    **{f"{_CORE}conv{axes}d": dict.fromkeys(_SIZES[1:], _NUMBER) for axes in (1, 2, 3)},
    f"{_NN}RNN": {"nonlinearity": "a function, such as `mx.tanh`"},
    **{f"{_NN}{name}": {"activation": "a function, such as `nn.relu`"}
       for name in ("Transformer", "TransformerEncoder", "TransformerEncoderLayer", "TransformerDecoder",
                    "TransformerDecoderLayer")},
}  # fmt: skip
_NAMES = tuple(sorted({name.rpartition(".")[2] for name in (*_CHOICES, *_NO_TEXT)}))
#: What other libraries call the same.
_SAME = {
    "bilinear": "linear", "trilinear": "linear", "bicubic": "cubic", "nearest-exact": "nearest", "replicate": "edge",
    "nearest_neighbor": "nearest", "average": "mean", "avg": "mean", "sum_over_batch_size": "mean",
    "is_causal": "causal", "zeros": "constant",
}  # fmt: skip


@rule(
    "unknown-choice",
    "error",
    "A text that a parameter does not take",
    PYTHON + "nn/layers.html",
    calls=_NAMES,
    examples=(
        Example(
            'y = nn.Upsample(2, mode="bilinear")(x[None, ..., None])',
            'y = nn.Upsample(2, mode="linear")(x[None, ..., None])',
            "y.shape == (1, 4, 6, 1)",
        ),
        Example(
            'y = nn.losses.mse_loss(x, x, "avg")', 'y = nn.losses.mse_loss(x, x, "mean")', "y.shape == ()",
        ),
        Example(
            'how = "batchmean"\ny = nn.losses.kl_div_loss(x, x, reduction=how)',
            'how = "mean"\ny = nn.losses.kl_div_loss(x, x, reduction=how)', "y.shape == ()", is_fixed=False,
        ),
        Example('y = mx.pad(x, 1, "replicate")', 'y = mx.pad(x, 1, "edge")', "y.shape == (4, 5)"),
        Example(
            'y = nn.Conv1d(3, 2, 3, padding="same")(x[None])', "y = nn.Conv1d(3, 2, 3, padding=1)(x[None])",
            "y.shape == (1, 2, 2)", is_fixed=False,
        ),
        Example(
            'y = nn.RNN(3, 2, nonlinearity="relu")(x[None])', "y = nn.RNN(3, 2, nonlinearity=nn.relu)(x[None])",
            "y.shape == (1, 2, 2)", is_fixed=False,
        ),
    ),
)  # fmt: skip
def unknown_choice(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find texts that are none of those that a parameter takes, and texts where it takes a number or a function."""
    if not call.is_whole:
        return
    entry = bound_entry(context, call)
    if entry is None or (entry.name not in _CHOICES and entry.name not in _NO_TEXT):
        return
    for name, value in _arguments(entry, call):
        text = literal_of(context.value_of(value))
        if not isinstance(text, str) or _speaks_of(entry, text) or is_guarded(context, value, ("ValueError",)):
            continue
        allowed, wanted = _CHOICES.get(entry.name, {}).get(name), _NO_TEXT.get(entry.name, {}).get(name)
        if wanted is not None:
            yield Finding(value, f"`{name}` takes {wanted}, not a text: this raises.")
        elif allowed is not None and text not in allowed:
            listed = ", ".join(f'`"{one}"`' for one in allowed)
            yield Finding(value, f'`{name}` takes {listed}; `"{text}"` raises.', _fixes(value, text, allowed))


def _arguments(entry: ApiEntry, call: Call) -> Iterator[tuple[str, Node]]:
    """Yield the arguments of a call with the names of their parameters; those by position where all overloads agree."""
    overloads = overloads_of(entry)
    for place, value in enumerate(call.arguments):
        names = {one[place].name for overload in overloads if place < len(one := positional_of(overload))}
        if len(names) == 1:
            yield names.pop(), value
    for name in call.keywords:
        given = call.value(name)
        if given is not None:
            yield name, given


def _speaks_of(entry: ApiEntry, text: str) -> bool:
    """Return whether the documentation of the installed MLX names a text: then a newer MLX takes it."""
    said = "\n".join((entry.summary, *(part for _, part in entry.body), *(one.text for one in entry.parameters)))
    return re.search(rf"[\"'`]{re.escape(text)}[\"'`]", said) is not None


def _fixes(value: Node, text: str, allowed: tuple[str, ...]) -> tuple[Fix, ...]:
    near = _SAME.get(text) or next(iter(get_close_matches(text.lower(), allowed, 1, 0.7)), None)
    if near not in allowed or value.type != "string":
        return ()
    quote = text_of(value)[-1]
    return (Fix(f"Write {quote}{near}{quote}", (replaced(value, f"{quote}{near}{quote}"),), is_safe=False),)


RULES = (unknown_choice,)
