"""The values of the index: one public name of an API, with its signatures and documentation."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

EntryKind = Literal["module", "class", "function", "method", "property", "attribute"]

#: What MLX's stubs define for type checkers alone.
_STUBS_ONLY = {"DLPackCompatible", "StreamOrDevice", "list_or_scalar", "scalar"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a signature.

    Args:
        name (str): The name, without stars.
        kind (str): ``positional-only``, ``positional or keyword``, ``variadic positional``, ``keyword-only``
            or ``variadic keyword``, as :mod:`inspect` calls them.
        annotation (str): The annotation's source, or an empty string.
        default (str): The default's source, or an empty string.
    """

    name: str
    kind: str
    annotation: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """One overload: its parameters without ``self``, and the return annotation's source or an empty string."""

    parameters: tuple[Parameter, ...]
    returns: str = ""

    def parts(self, *, annotated: bool) -> Iterator[str]:
        """Yield the parameters as they stand between a signature's parentheses, ``/`` and ``*`` among them."""
        positional_only = starred = False
        for parameter in self.parameters:
            if positional_only and parameter.kind != "positional-only":
                yield "/"
            positional_only = parameter.kind == "positional-only"
            if parameter.kind == "keyword-only" and not starred:
                yield "*"
            starred = starred or parameter.kind in ("keyword-only", "variadic positional")
            star = {"variadic positional": "*", "variadic keyword": "**"}.get(parameter.kind, "")
            typed = f": {parameter.annotation}" if annotated and parameter.annotation else ""
            equals = (" = " if typed else "=") + parameter.default if parameter.default else ""
            yield f"{star}{parameter.name}{typed}{equals}"
        if positional_only:
            yield "/"


@dataclass(frozen=True, slots=True)
class Item:
    """A documented parameter, return value or exception: its name, its type and what the docstring says."""

    name: str
    annotation: str
    text: str


@dataclass(frozen=True, slots=True)
class ApiEntry:
    """What is known of one public name, read from the installed package.

    Texts are the docstring's own reStructuredText; ``mlx_api.markdown`` turns them into Markdown.

    Args:
        name (str): The public name, ``mlx.nn.ReLU``.
        kind (EntryKind): What it is.
        aliases (tuple[str, ...]): Other dotted names of the same object.
        signatures (tuple[Signature, ...]): Every overload; of a class, its constructor's.
        annotation (str): The type of an attribute or property.
        summary (str): The docstring's first paragraph, on one line.
        body (tuple[tuple[str, str], ...]): What else it says, as (title, text); the title may be empty.
        parameters (tuple[Item, ...]): The documented parameters.
        returns (tuple[Item, ...]): The documented return values.
        bases (tuple[str, ...]): A class's bases inside the package, by public name.
        related (str): The name whose documentation this one refers to ("See …"), or an empty string.
        path (str): The source file, relative to the folder the package is installed in.
        line (int): The first line of the definition, from 1; 0 when unknown.
    """

    name: str
    kind: EntryKind
    aliases: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()
    annotation: str = ""
    summary: str = ""
    body: tuple[tuple[str, str], ...] = ()
    parameters: tuple[Item, ...] = ()
    returns: tuple[Item, ...] = ()
    bases: tuple[str, ...] = ()
    related: str = ""
    path: str = ""
    line: int = 0

    @property
    def short_name(self) -> str:
        """The last component of the name."""
        return self.name.rsplit(".", 1)[-1]

    def exists_in(self, owner: str, name: str) -> bool:
        """Return whether a module or class has the entry under a name when code runs, and not in MLX's stubs alone."""
        if not owner.startswith("mlx.core") or self.kind in ("method", "property"):
            return True
        return name not in _STUBS_ONLY and (owner == "mlx.core" or self.name.rpartition(".")[0] == owner)

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON values, without its empty fields."""
        return {key: value for key, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "ApiEntry":
        """Return the entry that ``to_json`` wrote.

        Raises:
            TypeError, KeyError: The values are not an entry's.
        """
        signatures = tuple(
            Signature(tuple(Parameter(**p) for p in s["parameters"]), s["returns"])
            for s in values.get("signatures", ())
        )
        return cls(
            **{
                **values,
                "aliases": tuple(values.get("aliases", ())),
                "signatures": signatures,
                "body": tuple((title, text) for title, text in values.get("body", ())),
                "parameters": tuple(Item(**item) for item in values.get("parameters", ())),
                "returns": tuple(Item(**item) for item in values.get("returns", ())),
                "bases": tuple(values.get("bases", ())),
            }
        )
