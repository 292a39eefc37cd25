"""Convert names between their qualified and their customary form: ``mlx.core.sum`` and ``mx.sum``."""

#: The customary import aliases of MLX code, by module.
CUSTOMARY_ALIASES = {
    "mlx.core": "mx",
    "mlx.nn": "nn",
    "mlx.optimizers": "optim",
}


def customary_name(qualified_name: str) -> str:
    """Return the name as MLX code spells it: ``mlx.core.fast.rope`` becomes ``mx.fast.rope``."""
    for module, alias in CUSTOMARY_ALIASES.items():
        if qualified_name == module or qualified_name.startswith(module + "."):
            return alias + qualified_name[len(module) :]
    return qualified_name


def qualified_name(customary: str) -> str:
    """Return the qualified name that MLX code spells so: the inverse of ``customary_name``."""
    root, dot, rest = customary.partition(".")
    module = next((module for module, alias in CUSTOMARY_ALIASES.items() if alias == root), root)
    return module + dot + rest
