"""Dimensions: numbers, names, arithmetic on them, or unknown.

A symbolic dimension is a polynomial with integer coefficients over atoms, which are names and floor divisions:
``2*B + 1``, ``n_heads*(D // n_heads)``. Equal polynomials are equal numbers; of two that differ nothing is known. A
symbol that is a dimension of an array is taken to be at least 1.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias


class Unknown:
    """The value of which nothing is known, and the dimension of unknown size."""

    def __repr__(self) -> str:
        return "?"


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Symbol:
    """A number that the text names.

    Args:
        name (str): How it is shown.
        key (Hashable): What it is: two symbols of one key are one number, whatever their names.
        is_int (bool): Whether it is certain to be an integer; if not, it may be any object.
    """

    name: str
    key: Hashable
    is_int: bool = True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Floored:
    """A floor division that cannot be carried out: ``D // n_heads``."""

    numerator: Expression | int
    denominator: Expression | int

    def __str__(self) -> str:
        return f"{_in_brackets(self.numerator)} // {_in_brackets(self.denominator)}"


Atom: TypeAlias = Symbol | Floored
#: A product of atoms, sorted.
Monomial: TypeAlias = tuple[Atom, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A polynomial that is no number: its monomials with their coefficients, sorted; none is 0."""

    terms: tuple[tuple[Monomial, int], ...]

    def __str__(self) -> str:
        text = ""
        for monomial, coefficient in sorted(self.terms, key=lambda term: (term[1] < 0, not term[0])):
            sign = (" - " if coefficient < 0 else " + ") if text else ("-" if coefficient < 0 else "")
            text += sign + _product_text(monomial, abs(coefficient), len(self.terms) == 1)
        return text

    @property
    def atoms(self) -> frozenset[Atom]:
        """The atoms that it has at its top level."""
        return frozenset(atom for monomial, _ in self.terms for atom in monomial)

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols in it, at every depth."""
        found: set[Symbol] = set()
        for atom in self.atoms:
            if isinstance(atom, Symbol):
                found.add(atom)
            else:
                for part in (atom.numerator, atom.denominator):
                    found |= part.symbols if isinstance(part, Expression) else set()
        return frozenset(found)

    @property
    def symbol(self) -> Symbol | None:
        """The symbol that it is, if it is nothing else."""
        ((monomial, coefficient), *rest) = self.terms
        is_alone = not rest and coefficient == 1 and len(monomial) == 1
        return monomial[0] if is_alone and isinstance(monomial[0], Symbol) else None

    @property
    def is_int(self) -> bool:
        """Whether it is certain to be an integer."""
        return all(symbol.is_int for symbol in self.symbols)


#: A dimension, or an integer of the text.
Dimension: TypeAlias = int | Expression | Unknown


def symbol(name: str, key: Hashable, *, is_int: bool = True) -> Expression:
    """Return the dimension that a name stands for."""
    return Expression((((Symbol(name, key, is_int),), 1),))


def add(one: Dimension, other: Dimension) -> Dimension:
    """Return the sum of two dimensions."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    return _polynomial([*_terms(one), *_terms(other)])


def multiply(one: Dimension, other: Dimension) -> Dimension:
    """Return the product of two dimensions."""
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return UNKNOWN
    if len(_terms(one)) * len(_terms(other)) > 12:
        return UNKNOWN  # nobody reads such a dimension
    return _polynomial(
        (tuple(sorted((*left, *right), key=_order)), count * times)
        for left, count in _terms(one)
        for right, times in _terms(other)
    )


def subtract(one: Dimension, other: Dimension) -> Dimension:
    """Return the difference of two dimensions."""
    return add(one, multiply(-1, other))


def product(dimensions: Iterable[Dimension]) -> Dimension:
    """Return the product of dimensions."""
    result: Dimension = 1
    for dimension in dimensions:
        result = multiply(result, dimension)
    return result


def total(dimensions: Iterable[Dimension]) -> Dimension:
    """Return the sum of dimensions."""
    result: Dimension = 0
    for dimension in dimensions:
        result = add(result, dimension)
    return result


def floor_divide(one: Dimension, other: Dimension) -> Dimension:
    """Return the floor of the quotient of two dimensions; division by zero is unknown."""
    if isinstance(one, Unknown) or isinstance(other, Unknown) or other == 0:
        return UNKNOWN
    if isinstance(one, int) and isinstance(other, int):
        return one // other
    found = exact_quotient(one, other)
    if found is not None:
        return found
    if isinstance(other, int) and other < 0:
        return UNKNOWN
    return Expression((((Floored(one, other),), 1),))


def exact_quotient(one: int | Expression, other: int | Expression) -> int | Expression | None:
    """Return a quotient that is a polynomial; None where the division leaves a rest, or may."""
    if isinstance(one, int) and isinstance(other, int):
        return one // other if other and one % other == 0 else None
    if one == other:
        return 1
    terms = _terms(other)
    if len(terms) != 1:
        return None
    ((divisor, count),) = terms
    quotient: list[tuple[Monomial, int]] = []
    for monomial, coefficient in _terms(one):
        rest = _without(monomial, divisor)
        if rest is None or coefficient % count:
            return None
        quotient.append((rest, coefficient // count))
    return _polynomial(quotient)


def quotient_without_rest(one: Dimension, other: Dimension) -> Dimension:
    """Return the quotient of two dimensions of which the one is known to be a multiple of the other."""
    if isinstance(one, Unknown) or isinstance(other, Unknown) or other == 0:
        return UNKNOWN
    if isinstance(one, int) and isinstance(other, int):
        return one // other if one % other == 0 else UNKNOWN
    found = exact_quotient(one, other)
    if found is not None:
        return found
    above, below = _terms(one), _terms(other)
    if len(above) != 1 or len(below) != 1:
        return UNKNOWN
    (numerator, count), (denominator, times) = above[0], below[0]
    for atom in denominator:
        if (rest := _without(numerator, (atom,))) is not None:
            numerator, denominator = rest, _without(denominator, (atom,)) or ()
    if times and count % times == 0:
        count, times = count // times, 1
    return floor_divide(_polynomial([(numerator, count)]), _polynomial([(denominator, times)]))


def is_at_least(one: Dimension, other: Dimension) -> bool:
    """Return whether a dimension is certain not to be smaller than another, if all symbols in both are sizes."""
    rest = subtract(one, other)
    if isinstance(rest, Unknown):
        return False
    if isinstance(rest, int):
        return rest >= 0
    least = 0
    for monomial, coefficient in rest.terms:
        if monomial and coefficient < 0:
            return False
        least += coefficient if all(isinstance(atom, Symbol) for atom in monomial) else 0
    return least >= 0


def replace_symbols(dimension: Dimension, values: dict[Symbol, Dimension]) -> Dimension:
    """Return a dimension with symbols replaced by other dimensions."""
    if not isinstance(dimension, Expression) or dimension.symbols.isdisjoint(values):
        return dimension
    return total(
        multiply(coefficient, product(_replaced(atom, values) for atom in monomial))
        for monomial, coefficient in dimension.terms
    )


def _replaced(atom: Atom, values: dict[Symbol, Dimension]) -> Dimension:
    if isinstance(atom, Floored):
        return floor_divide(replace_symbols(atom.numerator, values), replace_symbols(atom.denominator, values))
    return values.get(atom, Expression((((atom,), 1),)))


def _terms(value: int | Expression) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(value, Expression):
        return value.terms
    return (((), value),) if value else ()


def _polynomial(terms: Iterable[tuple[Monomial, int]]) -> int | Expression:
    gathered: dict[Monomial, int] = {}
    for monomial, coefficient in terms:
        gathered[monomial] = gathered.get(monomial, 0) + coefficient
    kept = sorted(((m, c) for m, c in gathered.items() if c), key=lambda term: [_order(atom) for atom in term[0]])
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    return Expression(tuple(kept))


def _without(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """Return a monomial divided by another; None where it is no multiple of it."""
    left = list(monomial)
    for atom in divisor:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def _order(atom: Atom) -> tuple[bool, str, str]:
    return isinstance(atom, Floored), str(atom), repr(atom)


def _product_text(monomial: Monomial, coefficient: int, is_alone: bool) -> str:
    parts = [str(coefficient)] * (coefficient != 1 or not monomial)
    is_bare = is_alone and len(monomial) == 1 and coefficient == 1
    parts += [f"({atom})" if isinstance(atom, Floored) and not is_bare else str(atom) for atom in monomial]
    return "*".join(parts)


def _in_brackets(value: int | Expression) -> str:
    is_simple = isinstance(value, int) or value.symbol is not None
    return str(value) if is_simple else f"({value})"
