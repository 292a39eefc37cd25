"""Map the names of PyTorch, NumPy and JAX to MLX's."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from tenny_lsp.data import read_toml

#: Library's package → its name in prose.
LIBRARIES = {"torch": "PyTorch", "numpy": "NumPy", "jax": "JAX"}
#: Customary spellings. ``nn.`` and ``optim.`` are left out: MLX code uses them for MLX itself.
_SPELLINGS = {
    "np": "numpy",
    "jnp": "jax.numpy",
    "lax": "jax.lax",
    "F": "torch.nn.functional",
    "torch.tensor": "torch.Tensor",
}

#: Module → the one whose row answers for a member without one: methods repeat functions, jax.numpy repeats NumPy.
_MIRRORS = {
    "torch.Tensor": "torch",
    "numpy.ndarray": "numpy",
    "jax.Array": "numpy.ndarray",
    "jax.numpy": "numpy",
}

#: MLX's module or class → its counterparts in other libraries, the most used first.
_COUNTERPARTS = {
    "mlx.core": ("torch", "numpy", "jax.numpy", "jax", "jax.lax", "torch.nn.functional"),
    "mlx.core.array": ("torch.Tensor", "numpy.ndarray", "jax.Array"),
    "mlx.core.random": ("numpy.random", "jax.random", "torch"),
    "mlx.core.linalg": ("torch.linalg", "numpy.linalg"),
    "mlx.core.fft": ("torch.fft", "numpy.fft"),
    "mlx.core.distributed": ("torch.distributed",),
    "mlx.nn": ("torch.nn", "torch.nn.functional", "jax.nn"),
    "mlx.nn.Module": ("torch.nn.Module",),
    "mlx.nn.init": ("torch.nn.init",),
    "mlx.nn.losses": ("torch.nn.functional",),
    "mlx.optimizers": ("torch.optim", "torch.optim.lr_scheduler"),
    "mlx.optimizers.Optimizer": ("torch.optim.Optimizer",),
    "mlx.utils": ("jax.tree", "jax.tree_util"),
}

#: Foreign keyword → MLX's names for it, the first that the function has.
KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "dim": ("axis", "axes", "dims"),
    "dims": ("axes", "axis"),
    "keepdim": ("keepdims",),
    "in_dims": ("in_axes",),
    "out_dims": ("out_axes",),
    "lr": ("learning_rate",),
    "size": ("shape",),
    "diagonal": ("k",),
    "steps": ("num",),
    "fill_value": ("vals",),
    "in_features": ("input_dims",),
    "out_features": ("output_dims",),
    "elementwise_affine": ("affine",),
    "normalized_shape": ("dims",),
    "embedding_dim": ("dims",),
    "embed_dim": ("dims",),
    "d_model": ("dims",),
    "nhead": ("num_heads",),
    "dim_feedforward": ("mlp_dims",),
    "approximate": ("approx",),
    "attn_mask": ("mask",),
    "attention_mask": ("mask",),
    "dilations": ("dilation",),
    "dropout": ("p",),
    "dropout_rate": ("p", "dropout"),
    "end": ("stop",),
    "end_dim": ("end_axis",),
    "epsilon": ("eps",),
    "eta_min": ("end",),
    "has_bias": ("bias",),
    "head_dim": ("dims",),
    "in_dim": ("input_dims",),
    "maxval": ("high",),
    "mean": ("loc",),
    "minval": ("low",),
    "n_bits": ("bits",),
    "n_heads": ("num_heads",),
    "nbits": ("bits",),
    "num_channels": ("dims",),
    "out_dim": ("output_dims",),
    "position": ("offset",),
    "rope_theta": ("base",),
    "shifts": ("shift",),
    "start_dim": ("start_axis",),
    "start_pos": ("offset",),
    "std": ("scale",),
    "stddev": ("scale",),
    "strides": ("stride",),
    "T_max": ("decay_steps",),
    "tensors": ("arrays",),
    "theta": ("base",),
    "use_bias": ("bias",),
    "vocab_size": ("num_embeddings",),
}
#: Those among them that pitfalls of their own speak of; ``unknown-keyword`` speaks of the others.
KEYWORDS_WITH_RULES = frozenset(
    {
        "dim", "dims", "keepdim", "in_dims", "out_dims", "lr", "size", "diagonal", "steps", "fill_value", "in_features",
        "out_features", "elementwise_affine", "normalized_shape", "embedding_dim", "embed_dim", "d_model", "nhead",
        "dim_feedforward",
    }
)  # fmt: skip

#: What variables are customarily called, by how that begins → the class whose member is meant.
_OWNERS = {
    "opt": "torch.optim.Optimizer",
    "sched": "torch.optim.lr_scheduler",
    "lr_sched": "torch.optim.lr_scheduler",
    "model": "torch.nn.Module",
    "net": "torch.nn.Module",
    "self": "torch.nn.Module",
    "layer": "torch.nn.Module",
    "module": "torch.nn.Module",
}
#: Where a member of an unknown owner is looked for, the likeliest first; then everywhere else.
_LIKELIEST_OWNERS = ("torch.Tensor", "torch.nn", "torch", "torch.nn.functional", "numpy", "jax.numpy")

#: A note that is only code, with ``With …:`` before it at most.
_RECIPE = re.compile(r"^(?:With \w+: )?[\w.]*\(.*\)[^ ]*(?: / .*)?\.$")
#: A note that differs in argument names only.
_RENAMED = re.compile(r"^[^.]* (?:is|are) called [^.]*\.$")


@dataclass(frozen=True, slots=True)
class ForeignName:
    """A name of another library and what to write in MLX instead.

    Args:
        name (str): The foreign name in full, ``torch.nn.functional.relu``.
        mlx (str, optional): The public MLX name, or None when there is no equivalent.
        note (str): What differs, or what to do instead; may be empty when ``mlx`` is given.
    """

    name: str
    mlx: str | None
    note: str


@dataclass(frozen=True, slots=True)
class ForeignArgument:
    """A keyword of another library that MLX has no counterpart of.

    Args:
        note (str): What to do instead.
        default (str, optional): The value, as it stands in code, with which it can be left out.
    """

    note: str
    default: str | None = None


@cache
def load_foreign_arguments() -> Mapping[str, ForeignArgument]:
    """Return what is known of other libraries' keywords that MLX does without, by keyword."""
    rows = read_toml("foreign_arguments.toml")
    return MappingProxyType({name: ForeignArgument(row["note"], row.get("default")) for name, row in rows.items()})


def own_keyword(keyword: str, known: Collection[str]) -> str | None:
    """Return the name that one of MLX's functions has for a foreign keyword; None when it has none.

    Args:
        keyword (str): The foreign keyword, ``dim``.
        known (Collection[str]): The function's own parameters that are not given yet.
    """
    return next((own for own in KEYWORDS.get(keyword, ()) if own in known), None)


@cache
def load_foreign_names() -> Mapping[str, ForeignName]:
    """Return every foreign name that Tenny knows, by its full name."""
    table = read_toml("foreign.toml")
    rows = {name: ForeignName(name, row.get("mlx"), row.get("note", "")) for name, row in table.items()}
    return MappingProxyType(rows)


def full_name(name: str) -> str:
    """Return a foreign name in full: ``np.vstack`` becomes ``numpy.vstack``, ``F.relu`` names its module."""
    for spelling, module in _SPELLINGS.items():
        if name.startswith(spelling + "."):
            return module + name[len(spelling) :]
    return name


def replacement_for(name: str) -> ForeignName | None:
    """Return what to write instead of a foreign name, customary spellings included; None when it is unknown.

    A method or a ``jax.numpy`` name without a row of its own answers with the function's that it repeats, so the
    result's ``name`` may differ from the one asked for.
    """
    wanted = full_name(name)
    if found := load_foreign_names().get(wanted):
        return found
    owner, _, member = wanted.rpartition(".")
    mirror = _MIRRORS.get(owner)
    return replacement_for(f"{mirror}.{member}") if mirror else None


def replacement_for_member(owner: str, member: str) -> ForeignName | None:
    """Return what to write instead of a member that an MLX module or class lacks, but another library's has.

    Args:
        owner (str): The public name of the module or class; ``mlx.core`` for ``mx.cat``.
        member (str): The member's name.
    """
    counterparts = _COUNTERPARTS.get(owner, ())
    return next((found for name in counterparts if (found := replacement_for(f"{name}.{member}"))), None)


def replacement_for_last_part(name: str) -> ForeignName | None:
    """Return what to write instead of a name whose owner is a variable or left out: ``x.permute``, ``ModuleList``.

    Args:
        name (str): The name: of ``optimizer.step`` it is the optimizer's that is meant.
    """
    owner, _, member = name.rpartition(".")
    rows = _by_last_part().get(member, {})
    customary = owner.rpartition(".")[2].lower()
    meant = [module for start, module in _OWNERS.items() if customary.startswith(start)]
    return next((rows[module] for module in (*meant, *_LIKELIEST_OWNERS, *rows) if module in rows), None)


@cache
def _by_last_part() -> Mapping[str, dict[str, ForeignName]]:
    found: dict[str, dict[str, ForeignName]] = {}
    for row in load_foreign_names().values():
        owner, _, member = row.name.rpartition(".")
        found.setdefault(member, {})[owner] = row
    return found


@cache
def _by_mlx_name() -> Mapping[str, list[ForeignName]]:
    found: dict[str, list[ForeignName]] = {}
    for foreign in load_foreign_names().values():
        if foreign.mlx:
            found.setdefault(foreign.mlx, []).append(foreign)
    return found


def counterparts(mlx_name: str) -> tuple[ForeignName, ...]:
    """Return the counterparts of a public MLX name that differ from it, at most one of PyTorch, NumPy and JAX each.

    One differs if its name is another, or if it has a note. A method without a row of its own has its function's. Of
    several rows the one of the same name is taken, and none that MLX has no equivalent for.
    """
    own, is_method = mlx_name.rpartition(".")[2].lower(), ".array." in mlx_name
    rows = list(_by_mlx_name().get(mlx_name, ()))
    if is_method:  # a method has the rows of its function too
        rows += [
            row for row in _by_mlx_name().get(mlx_name.replace(".array.", "."), ()) if not rows or _short(row) == own
        ]
    likeliest = sorted(
        rows,
        key=lambda row: (_short(row) != own, row.name.startswith(("torch.Tensor.", "numpy.ndarray.")) != is_method),
    )
    chosen: dict[str, ForeignName] = {}
    for library in ("torch", "numpy", "jax"):
        own_rows = [row for row in likeliest if row.name.startswith(f"{library}.") and not _is_lacking(row)]
        noted = [row for row in own_rows if row.note] if is_method else []
        found = next(iter(noted or own_rows), None)
        if found is not None and (found.note or (_short(found) != own and library != "jax")):
            chosen.setdefault(found.note or found.name, found)
    return tuple(chosen.values())


def namesake(mlx_name: str) -> ForeignName | None:
    """Return the foreign name that is spelled like an MLX name but differs: PyTorch's ``equal`` is ``array_equal``."""
    owner, _, own = mlx_name.rpartition(".")
    rows = (load_foreign_names().get(f"{library}.{own}") for library in _COUNTERPARTS.get(owner, ()))
    others = (row for row in rows if row is not None and row.mlx and row.mlx.rpartition(".")[2] != own)
    return next((row for row in others if not _RENAMED.search(row.note)), None)


def _short(row: ForeignName) -> str:
    return row.name.rpartition(".")[2].lower()


def _is_lacking(row: ForeignName) -> bool:
    """Return whether MLX has no equivalent of a row's name, so that its note says how to do without."""
    is_recipe = _RECIPE.search(row.note) is not None and _short(row) != (row.mlx or "").rpartition(".")[2].lower()
    return is_recipe or row.note.lower().startswith((f"no {_short(row)}", "no such", "there is no function"))


def names_elsewhere(mlx_name: str) -> tuple[str, ...]:
    """Return the other names that PyTorch, NumPy and JAX have for a public MLX name, one of each at most.

    Names of functions that differ in more than the names of their arguments are left out.
    """
    first: dict[str, ForeignName] = {}
    for row in _by_mlx_name().get(mlx_name, ()):
        if not row.name.startswith(tuple(_MIRRORS)):
            first.setdefault(row.name.partition(".")[0], row)
    own = mlx_name.rpartition(".")[2].lower()
    rows = (row for row in first.values() if not row.note or _RENAMED.search(row.note))
    return tuple(row.name for row in rows if _short(row) != own)
