"""Write what is known of a name, a parameter or a value as Markdown; none of it has passed through a model."""

import re
from collections.abc import Iterator

from tenny_lsp.features.signature import declaration, signature_text
from tenny_lsp.mlx_api.entry import ApiEntry, Item
from tenny_lsp.mlx_api.entry_memo import memoised_by_entry
from tenny_lsp.mlx_api.examples import example_of
from tenny_lsp.mlx_api.foreign import LIBRARIES, ForeignName, counterparts, namesake, replacement_for_member
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.markdown import inline, markdown
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.mlx_api.pages import page_of

#: Code in the notes of ``foreign.toml``, which is plain text: calls and indexing, keywords, dotted and dunder names.
_BRACKETS = r"(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|\[[^][]*\])"
_CODE = re.compile(
    rf"(?<![\w`.])(?:[A-Za-z_][\w.]*{_BRACKETS}(?:\.\w+|{_BRACKETS})*|__\w+__"
    r"|[a-z]\w*=(?:\"[^\"]*\"|\w[\w.]*\w|\w)?|(?:mx|nn|optim|x|np|model|optimizer)(?:\.\w+)+|[a-z]+(?:_[a-z]+)+)"
)
#: Where classes are defined whose instances are worth a card: what they do is more than their type says.
_WORTH_A_CARD = ("mlx.nn.", "mlx.optimizers.")


@memoised_by_entry
def facts(entry: ApiEntry, index: ApiIndex, *, with_elsewhere: bool = True) -> str:
    """Return the card of an entry: all that is known of it, and what other libraries make one expect of it."""
    lead = [markdown(text) for title, text in entry.body if not title]
    titled = [f"**{title}**\n\n{markdown(text)}" for title, text in entry.body if title and text.strip()]
    blocks = [
        f"```python\n{signature_text(entry)}\n```",
        inline(entry.summary),
        *lead,
        _example(entry, index),
        _parameters(entry.parameters),
        _returns(entry.returns),
        _elsewhere(entry, index) if with_elsewhere else "",
        *titled,
        _source(entry, index),
    ]
    return "\n\n".join(block for block in blocks if block)


def value_card(name: str, entry: ApiEntry, index: ApiIndex) -> str | None:
    """Return the card of a name that holds a layer or an optimizer: what its class does, which no type checker says.

    Returns None for instances of other classes.
    """
    if not entry.name.startswith(_WORTH_A_CARD) or entry.name == "mlx.nn.Module":
        return None
    blocks = [f"```python\n{name}: {customary_name(entry.name)}\n```", inline(entry.summary), _source(entry, index)]
    return "\n\n".join(block for block in blocks if block)


def parameter_card(name: str, entry: ApiEntry, index: ApiIndex) -> str | None:
    """Return the card of a parameter; None when the callable has none of that name."""
    forms = list(dict.fromkeys(_forms(name, entry)))
    if not forms:
        return None
    said = [markdown(item.text) for item in entry.parameters if item.name.lstrip("*") == name]
    return "\n\n".join(["```python\n" + "\n".join(forms) + "\n```", *said, f"of {_source(entry, index)}"])


def _forms(name: str, entry: ApiEntry) -> Iterator[str]:
    """Yield how each overload declares a parameter that can be given by name."""
    for signature in entry.signatures:
        for parameter in signature.parameters:
            if parameter.name == name and parameter.kind in ("positional or keyword", "keyword-only"):
                yield declaration(parameter)


def lacking_card(name: str, owner: ApiEntry, index: ApiIndex) -> str | None:
    """Return what MLX calls a member that its module or class lacks; None when nobody knows what is meant."""
    foreign = next((found for cls in _line(owner, index) if (found := replacement_for_member(cls.name, name))), None)
    if foreign is not None:
        return foreign_card(foreign, index)
    spelt = [entry for member, entry in index.members(owner) if member.lower() == name.lower()]
    if len(spelt) > 1:  # ReLU and relu
        spelt = [entry for entry in spelt if entry.short_name[0].isupper() == name[0].isupper()]
    if len(spelt) != 1:
        return None
    return f"`{name}` is spelt `{customary_name(spelt[0].name)}` in MLX.\n\n{facts(spelt[0], index)}"


def foreign_card(foreign: ForeignName, index: ApiIndex) -> str:
    """Return the card of another library's name: what MLX calls it, and the card of that."""
    entry = index.resolve(foreign.mlx) if foreign.mlx else None
    if entry is None:
        instead = _noted(foreign.note.removeprefix("No equivalent: "))
        return f"`{foreign.name}` has no equivalent in MLX: {instead}"
    lead = f"`{foreign.name}` is `{customary_name(entry.name)}` in MLX. {_noted(foreign.note)}".rstrip()
    return f"{lead}\n\n{facts(entry, index, with_elsewhere=False)}"


def _line(cls: ApiEntry, index: ApiIndex) -> Iterator[ApiEntry]:
    """Yield a class or module and what it derives from."""
    yield cls
    for base in cls.bases:
        if (parent := index.resolve(base)) is not None:
            yield from _line(parent, index)


def _parameters(items: tuple[Item, ...]) -> str:
    lines = [f"- `{item.name}`{_annotation(item)}: {_indented(markdown(item.text))}".rstrip(": ") for item in items]
    return "**Parameters**\n\n" + "\n".join(lines) if lines else ""


def _returns(items: tuple[Item, ...]) -> str:
    said = [f"{_annotation(item)}: {markdown(item.text)}" if item.annotation else markdown(item.text) for item in items]
    if len(said) == 1:
        return f"**Returns**{said[0] if items[0].annotation else ' ' + said[0]}"
    return "**Returns**\n\n" + "\n".join(f"- {text.strip()}" for text in said) if said else ""


def _example(entry: ApiEntry, index: ApiIndex) -> str:
    """Return an example that has been executed with the entry's signature, as a block of code."""
    example = example_of(entry) if index.package == "mlx" else None
    return f"**Example**\n\n```python\n{example.text}\n```" if example is not None else ""


def _elsewhere(entry: ApiEntry, index: ApiIndex) -> str:
    """Return what to know of an entry who knows it from PyTorch, NumPy or JAX."""
    if index.package != "mlx":
        return ""
    other, said = namesake(entry.name), []
    if other is not None and other.mlx:
        own = customary_name(other.mlx)
        said = [f"**Coming from** `{other.name}`: that is `{own}` here. {_noted(other.note)}".rstrip()]
    for row in counterparts(entry.name):
        library = row.name.partition(".")[0]
        if other is not None and other.name.startswith(f"{library}."):
            continue
        said.append(
            f"**Coming from** `{row.name}`: {_noted(row.note)}"
            if row.note
            else f"In {LIBRARIES[library]}: `{row.name}`."
        )
    return "\n\n".join(said)


def _noted(note: str) -> str:
    """Return a note with its code marked as such: ``__call__`` would be bold otherwise."""
    return _CODE.sub(lambda found: f"`{found[0]}`", note)


def _annotation(item: Item) -> str:
    annotation = item.annotation[1:-1] if item.annotation.startswith("(") else item.annotation
    return f" (`{annotation}`)" if annotation else ""


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _source(entry: ApiEntry, index: ApiIndex) -> str:
    page = page_of(entry.name) if index.package == "mlx" else None
    name = f"[{entry.name}]({page})" if page else f"`{entry.name}`"
    version = f"{index.package} {index.version}" + (" (not installed: shipped snapshot)" * index.from_snapshot)
    return f"{name} · {version} · `{entry.path}:{entry.line}`" if entry.line else f"{name} · {version}"
