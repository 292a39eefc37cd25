"""What comes out of a value when it is unpacked, looped over, subscripted or entered."""

from typing import TYPE_CHECKING

from tenny_lsp.source.meaning import NEVER, Api, Group, Instance, Meaning, Plain, Table, join

if TYPE_CHECKING:
    from tenny_lsp.source.reader import Reader


def stepped(reader: "Reader", meaning: Meaning | None, steps: tuple[int | str, ...]) -> Meaning | None:
    """Returns what a target is that a value reaches by these steps (see ``Binding``)."""
    for step in steps:
        if step == "enter":
            meaning = entered(meaning)
        elif step == "*":
            meaning = Group("list", each(reader, meaning))
        elif isinstance(step, int):
            meaning = item(reader, meaning, step)
        else:
            meaning = each(reader, meaning)
    return meaning


def each(reader: "Reader", meaning: Meaning | None) -> Meaning | None:
    """Returns what a loop over a value gives."""
    if isinstance(meaning, Group):
        return meaning.each if meaning.items is None else join(meaning.items) if meaning.items else None
    if reader.is_array(meaning) or meaning == NEVER:
        return meaning
    if isinstance(meaning, Table) or meaning == Plain("str"):
        return Plain("str") if not isinstance(meaning, Table) else None
    return None


def item(reader: "Reader", meaning: Meaning | None, position: int) -> Meaning | None:
    """Returns what a value gives at a fixed position."""
    if isinstance(meaning, Group) and meaning.items is not None:
        return meaning.items[position] if -len(meaning.items) <= position < len(meaning.items) else None
    if isinstance(meaning, Table):
        return meaning.value
    return each(reader, meaning)


def entered(meaning: Meaning | None) -> Meaning | None:
    """Returns what ``with … as`` gives; only MLX's own contexts are known."""
    if isinstance(meaning, Instance) and isinstance(meaning.of, Api):
        return meaning if meaning.of.entry.name == "mlx.core.FunctionExporter" else None
    return None
