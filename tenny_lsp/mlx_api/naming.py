"""Names of MLX as they are qualified and as MLX code customarily spells them: ``mlx.core.sum``, ``mx.sum``."""

#: The customary import aliases of MLX code, by module.
CUSTOMARY_ALIASES = {
    "mlx.core": "mx",
    "mlx.nn": "nn",
    "mlx.optimizers": "optim",
}


def customary_name(qualified_name: str) -> str:
    """Returns the name as MLX code spells it: ``mlx.core.fast.rope`` becomes ``mx.fast.rope``."""
    for module, alias in CUSTOMARY_ALIASES.items():
        if qualified_name == module or qualified_name.startswith(module + "."):
            return alias + qualified_name[len(module) :]
    return qualified_name


def qualified_name(customary: str) -> str:
    """Returns the qualified name that MLX code spells so: the inverse of ``customary_name``."""
    root, dot, rest = customary.partition(".")
    module = next((module for module, alias in CUSTOMARY_ALIASES.items() if alias == root), root)
    return module + dot + rest
