"""Every setting that an editor can give, with its default; a wrong one is reported, never fatal."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, TypeVar

from tenny_lsp.locations import may_be_path

_Settings = TypeVar("_Settings")
#: The greatest number that a setting takes: what is counted in milliseconds is a float later.
_GREATEST = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HoverSettings:
    """Hovers.

    Args:
        deadline_ms (int): How many milliseconds a hover waits for the sentence of a model that writes. A late one is
            there next time.
    """

    deadline_ms: int = 150


@dataclass(frozen=True, slots=True)
class CompletionSettings:
    """Completions.

    Args:
        deadline_ms (int): How many milliseconds a completion waits for the model's scores, which change its order. Late
            ones are there at the next letter.
    """

    deadline_ms: int = 0


@dataclass(frozen=True, slots=True)
class InlineSettings:
    """Inline completions: the line or block that the model would write next, shown in the text.

    Args:
        enabled (str): ``on``, ``off``, or ``auto``: on with every base model but the embedded one. The code before the
            cursor is sent to an endpoint only with ``on``.
        debounce_ms (int): How many milliseconds nothing must have been typed before the model is asked.
    """

    enabled: str = field(default="auto", metadata={"choices": ("auto", "on", "off")})
    debounce_ms: int = 120


@dataclass(frozen=True, slots=True)
class PitfallSettings:
    """Pitfalls; docs/pitfalls.md lists their codes.

    Args:
        select (list[str]): The codes of the pitfalls that are shown; empty: all.
        ignore (list[str]): The codes of the pitfalls that are not shown; ``all`` stands for every one.
    """

    select: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ShapeSettings:
    """Shapes and dtypes of arrays.

    Args:
        inlay_hints (bool): Whether they are shown in the text, behind assigned variables and calls of layers.
    """

    inlay_hints: bool = True


@dataclass(frozen=True, slots=True)
class RoastSettings:
    """Roasts.

    Args:
        enabled (bool): Whether roasts are offered as code actions; the commands are always there.
        adapter_path (str): The folder of the adapter for comments; empty: the base's ``cynic``, if there is one.
    """

    enabled: bool = True
    adapter_path: str = ""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """The model.

    Args:
        enabled (bool): Whether a model is used at all; otherwise hovers show facts, and remarks are hand-written.
        path (str): The base model: ``embedded``, the name of one that was fetched, a folder, or a hub name; empty: the
            embedded one, and ``smollm2`` beside it to answer and remark where that has been fetched.
        endpoint (str): The address of an OpenAI-compatible server, and behind a ``#`` the name of its model, to answer,
            explain and remark: ``http://localhost:8080/v1#qwen3``. Its key is read from the environment variable
            ``TENNY_API_KEY``. Empty: none, and nothing leaves the machine.
        adapter_path (str): The folder of the adapter; empty: the one trained for the base, else the shipped one. With
            an endpoint: the adapter to ask for there.
        idle_unload_s (int): Seconds without a request after which the model's memory is freed, unless another window
            uses the model.
    """

    enabled: bool = True
    path: str = ""
    endpoint: str = ""
    adapter_path: str = ""
    idle_unload_s: int = 600


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, as it stands under ``tenny`` in an editor.

    Args:
        python (str): The interpreter whose MLX is meant; empty: the server's own.
        hover (HoverSettings): Hovers.
        completion (CompletionSettings): Completions.
        inline (InlineSettings): Inline completions.
        pitfalls (PitfallSettings): Pitfalls.
        shapes (ShapeSettings): Shapes and dtypes of arrays.
        roast (RoastSettings): Roasts.
        model (ModelSettings): The model.
    """

    python: str = ""
    hover: HoverSettings = field(default_factory=HoverSettings)
    completion: CompletionSettings = field(default_factory=CompletionSettings)
    inline: InlineSettings = field(default_factory=InlineSettings)
    pitfalls: PitfallSettings = field(default_factory=PitfallSettings)
    shapes: ShapeSettings = field(default_factory=ShapeSettings)
    roast: RoastSettings = field(default_factory=RoastSettings)
    model: ModelSettings = field(default_factory=ModelSettings)


def own_section(values: object) -> object:
    """Return what an editor's configuration says of Tenny; None when it says nothing.

    Some editors send the settings of every server, some an empty object or list, and some Tenny's own at the top.
    """
    if not isinstance(values, dict):
        return values or None
    own = {spelling for field_ in fields(Settings) for spelling in (field_.name, _camel(field_.name))}
    return values.get("tenny", values if own & values.keys() else None)


def read_settings(values: object) -> tuple[Settings, list[str]]:
    """Return the settings in an editor's JSON (camelCase or snake_case keys), and what was wrong with it.

    They may stand under ``tenny``: some editors send one and the same thing at the start and as their configuration.
    """
    problems: list[str] = []
    if isinstance(values, dict) and values.keys() == {"tenny"}:
        values = values["tenny"]
    return _read(Settings(), values, "tenny", problems), problems


def _read(defaults: _Settings, values: object, path: str, problems: list[str]) -> _Settings:
    if values is None or values == []:  # Lua knows no difference between an empty list and an empty object
        return defaults
    if not isinstance(values, dict):
        problems.append(f"{path} must be an object, not {values!r}; its defaults are used")
        return defaults
    assert is_dataclass(defaults) and not isinstance(defaults, type)
    choices = {field_.name: field_.metadata["choices"] for field_ in fields(defaults) if "choices" in field_.metadata}
    named = {key: value for field_ in fields(defaults) for key, value in _given(field_.name, values)}
    known = {spelling for field_ in fields(defaults) for spelling in (field_.name, _camel(field_.name))}
    problems += [f"{path}.{key} is not a setting" for key in values if key not in known]
    changes: dict[str, Any] = {}
    for name, value in named.items():
        default = getattr(defaults, name)
        if is_dataclass(default):
            changes[name] = _read(default, value, f"{path}.{_camel(name)}", problems)
        elif value is None or (isinstance(default, list) and value == {}):
            continue
        elif type(value) is not type(default) or (isinstance(value, int) and not 0 <= value <= _GREATEST):
            expected = type(default).__name__
            problems.append(f"{path}.{_camel(name)} must be {expected}, not {value!r}; {default!r} is used")
        elif isinstance(value, str) and not may_be_path(value):
            problems.append(f"{path}.{_camel(name)} cannot be a path: {value[:40]!r}; {default!r} is used")
        elif isinstance(value, list) and not all(isinstance(item, str) for item in value):
            problems.append(f"{path}.{_camel(name)} must hold strings only, not {value!r}; {default!r} is used")
        elif value not in choices.get(name, (value,)):
            expected = ", ".join(choices[name])
            problems.append(f"{path}.{_camel(name)} must be one of {expected}, not {value!r}; {default!r} is used")
        else:
            changes[name] = value
    return replace(defaults, **changes)


def _given(name: str, values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for spelling in (name, _camel(name)):
        if spelling in values:
            yield name, values[spelling]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
