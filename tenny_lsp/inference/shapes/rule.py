"""Rules: what a call of MLX returns, as a function of its arguments' shapes.

    @rule("mlx.core.expand_dims")
    def expand_dims(a: Any, axis: Any) -> Value: …

A rule has the parameters of what it describes, but for ``stream``. It gets values (see ``values``): arrays, integers,
tuples, None, strings, ``UNKNOWN``. It returns an ``Array``, a tuple of them, a number, or ``UNKNOWN``, and raises
``ShapeError`` where the call is certain to raise. It must be right for all values that its arguments may stand for.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tenny_lsp.inference.shapes.dimension import UNKNOWN

#: An ``Array``, an integer, a tuple …, or ``UNKNOWN``.
Value: TypeAlias = Any
Check: TypeAlias = Callable[..., Value]


@dataclass(frozen=True, slots=True)
class ShapeRule:
    """A rule.

    Args:
        name (str): The full name of what it describes.
        check (Check): The function.
        signature (inspect.Signature): Its parameters.
    """

    name: str
    check: Check
    signature: inspect.Signature

    def __call__(self, *arguments: Value, **keywords: Value) -> Value:
        """Return what a call gives; unknown where the arguments do not fit the parameters.

        Raises:
            ShapeError: The call is certain to raise.
        """
        keywords.pop("stream", None)
        try:
            bound = self.signature.bind(*arguments, **keywords)
        except TypeError:
            return UNKNOWN
        return self.check(*bound.args, **bound.kwargs)


#: Full name → its rule.
RULES: dict[str, ShapeRule] = {}


def rule(*names: str) -> Callable[[Check], Check]:
    """Register a function as the rule of all of these full names."""

    def register(check: Check) -> Check:
        for name in names:
            assert name not in RULES, name
            RULES[name] = ShapeRule(name, check, inspect.signature(check))
        return check

    return register


def core(names: str) -> tuple[str, ...]:
    """Return the full names of functions of ``mlx.core``, given with spaces between them."""
    return tuple(f"mlx.core.{name}" for name in names.split())


def both(names: str) -> tuple[str, ...]:
    """Return the full names of functions of ``mlx.core`` and of the methods of ``mx.array`` that are the same."""
    return core(names) + tuple(f"mlx.core.array.{name}" for name in names.split())
