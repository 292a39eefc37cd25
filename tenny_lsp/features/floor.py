"""Say something to a comment for which no remark was written: what is so of every comment of its kind."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from tenny_lsp.data import read_toml
from tenny_lsp.features.decency import fault_of
from tenny_lsp.features.feeling import felt
from tenny_lsp.features.measures import filled
from tenny_lsp.features.picking import picked
from tenny_lsp.features.subject import is_prose

_MARK = re.compile(r"\A\s*(?:#+|//+|;+|--)\s*")


@dataclass(frozen=True, slots=True)
class CommentKind:
    """A kind of comments, and what is so of each.

    Args:
        name (str): What it is called.
        when (re.Pattern[str]): What its comments have.
        lines (tuple[str, ...]): What may be said to any of them.
        feels (str): The sentiment that they have; empty: any.
        needs (str): What must have been measured in them; empty: nothing.
        is_telling (bool): Whether a review remarks on them.
        is_first (bool): Whether nothing that was written for one comment comes before it.
        is_prose (bool, optional): Whether they are sentences about life; None: they may be.
        is_marked (bool): Whether they must begin with the mark of a comment.
        act (str): What they do: promise, boast; empty where the kind says only what they are about.
    """

    name: str
    when: "re.Pattern[str]"
    lines: tuple[str, ...]
    feels: str
    needs: str
    is_telling: bool
    is_first: bool
    is_prose: bool | None
    is_marked: bool
    act: str


def floor_lines(comment: str, measured: Mapping[str, str], *, first: bool = False) -> Iterator[list[str]]:
    """Yield what may be said to a comment, the lines of the kind that tells most of it before those of others.

    Args:
        comment (str): The comment.
        measured (Mapping[str, str]): What was measured in it.
        first (bool): Only the kinds that come before every remark that was written for one comment.
    """
    for kind in kinds_of(comment, measured):
        if kind.is_first or not first:
            lines = (filled(line, measured) for line in kind.lines)
            yield [line for line in lines if line is not None and fault_of(line) is None]


def floor_line(
    comment: str,
    measured: Mapping[str, str],
    *,
    seed: int = 0,
    avoid: Collection[str] = (),
    tired: Collection[str] = (),
    first: bool = False,
) -> str | None:
    """Return what is said to a comment: another line for another seed; None where ``first`` finds no kind.

    Args:
        comment (str): The comment.
        measured (Mapping[str, str]): What was measured in it.
        seed (int): Which of the lines.
        avoid (Collection[str]): What has been said to it already.
        tired (Collection[str]): What was said to others lately: only where there is nothing else of that kind.
        first (bool): Only the kinds that come before every remark that was written for one comment.
    """
    line = picked(
        floor_lines(comment, measured, first=first), comment, seed=seed, avoid=avoid, tired=tired, next_if_tired=False
    )
    return None if first and line in avoid else line


def act_of(comment: str) -> str:
    """Return what a comment does, whatever it is about: promise, boast, rule something out; empty where nothing."""
    return next((kind.act for kind in kinds_of(comment, {}) if kind.act), "")


def is_telling(comment: str) -> bool:
    """Return whether a comment says more than what the code does: an apology, a doubt, a boast."""
    kinds = kinds_of(comment, {}) if comment.strip() else iter(())
    return any(kind.is_telling for kind in kinds)


def kinds_of(comment: str, measured: Mapping[str, str]) -> Iterator[CommentKind]:
    """Yield the kinds that a comment is of, the one that tells most of it first."""
    text, feeling = _MARK.sub("", comment), felt(comment)
    in_prose = is_prose(comment)
    for kind in _kinds():
        if (
            kind.is_prose in (None, in_prose)
            and (not kind.is_marked or text != comment)
            and kind.feels in ("", feeling)
            and (not kind.needs or kind.needs in measured)
            and kind.when.search(text)
        ):
            yield kind


@cache
def _kinds() -> tuple[CommentKind, ...]:
    return tuple(
        CommentKind(
            row["name"],
            re.compile(row["when"], re.IGNORECASE | re.DOTALL),
            tuple(row["lines"]),
            row.get("feels", ""),
            row.get("needs", ""),
            row.get("telling", False),
            row.get("first", False),
            row.get("prose"),
            row.get("marked", False),
            row.get("act", ""),
        )
        for row in read_toml("floor.toml")["kind"]
    )
