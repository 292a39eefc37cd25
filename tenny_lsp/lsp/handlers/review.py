"""Run ``tenny.cynicalReview`` and ``tenny.clearReview``: a remark on each telling line, until that line is edited."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp import locations
from tenny_lsp.features.blame import ages
from tenny_lsp.features.history import History
from tenny_lsp.features.repertoire import load_repertoire
from tenny_lsp.features.review import Topic, remark_on_topic, topics
from tenny_lsp.lsp.client import Report
from tenny_lsp.lsp.documents import View, path_of
from tenny_lsp.lsp.session import Session
from tenny_lsp.model.optional import OptionalModel
from tenny_lsp.source.affixes import common_affixes

#: The source of published diagnostics.
_SOURCE = "review"
_CODE = "cynical-review"


@dataclass(frozen=True, slots=True)
class _Remark:
    """A remark on a topic, and where the topic is now.

    Args:
        topic (Topic): What the remark is about.
        start (lsp.Position): Where the topic starts.
        end (lsp.Position): Where it ends.
        message (str, optional): The remark; None until it has been made.
    """

    topic: Topic
    start: lsp.Position
    end: lsp.Position
    message: str | None = None


@dataclass(slots=True)
class _Review:
    """The remarks on one document.

    Args:
        lines (list[str]): The lines of the document that the remarks' positions belong to.
        remarks (list[_Remark]): The remarks.
    """

    lines: list[str]
    remarks: list[_Remark]

    def set_message(self, topic: Topic, message: str) -> None:
        """Set the remark on a topic, if its line has not been edited meanwhile."""
        self.remarks = [replace(r, message=message) if r.topic is topic else r for r in self.remarks]

    def follow(self, lines: list[str]) -> bool:
        """Move the remarks with their lines and drop those on edited lines; return whether any has changed."""
        start, unchanged = common_affixes(self.lines, lines)
        end, shift = len(self.lines) - unchanged, len(lines) - len(self.lines)
        before = self.remarks
        self.remarks = [remark for remark in before if remark.end.line < start]
        self.remarks += [_moved(r, shift) for r in before if r.start.line >= end and r.end.line >= start]
        self.lines = lines
        return self.remarks != before

    def diagnostics(self) -> list[lsp.Diagnostic]:
        """Return the remarks that have been made."""
        return [
            lsp.Diagnostic(
                lsp.Range(remark.start, remark.end),
                remark.message,
                lsp.DiagnosticSeverity.Information,
                _CODE,
                source="Tenny",
            )
            for remark in self.remarks
            if remark.message is not None
        ]


class ReviewHandler:
    """Reviews documents."""

    def __init__(self, session: Session, history: History) -> None:
        self._session = session
        self._history = history
        self._reviews: dict[str, _Review] = {}

    async def review(self, uri: str, range_: lsp.Range | None) -> dict[str, int] | None:
        """Review a document, or a range of it, and return how many remarks were made; None when it is not there."""
        view = self._session.view(uri)
        if view is None:
            return None
        pitfalls = await self._pitfall_topics(view)
        view, document = view.alone(), view.documents[view.cell]
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(len(document.lines) + 1, 0))
        part = range_ if range_ is not None and range_.start != range_.end else whole
        await load_repertoire()
        limits = view.offset(part.start), view.offset(part.end)
        found = await asyncio.to_thread(topics, view.buffer, *limits, pitfalls)
        made = self._reviews[uri] = _Review(_lines(view), [_remark(topic, view) for topic in found])
        self._publish(uri, made)
        self.changed(uri)  # while it was read it may have been edited
        async with self._session.client.progress("Tenny reviews") as report:
            return {"remarks": await self._make_remarks(uri, made, found, report)}

    def clear(self, uri: str) -> None:
        """Take back every remark on a document."""
        if self._reviews.pop(uri, None) is not None:
            self._session.publisher.clear(_SOURCE, uri)

    def changed(self, uri: str) -> None:
        """Follow an edit: a remark moves with its line, and ends when that is edited."""
        made = self._reviews.get(uri)
        view = self._session.view(uri) if made is not None else None
        if made is not None and view is not None and made.follow(_lines(view)):
            self._publish(uri, made)

    def _publish(self, uri: str, review: _Review) -> None:
        self._session.publisher.set(_SOURCE, uri, review.diagnostics())

    async def _make_remarks(self, uri: str, made: _Review, found: list[Topic], report: Report) -> int:
        """Publish each remark as it is made; return how many there are when all are, or the review is cleared."""
        model = OptionalModel(self._session.speaker.cynic, "The remarks are some that were written by hand")
        remarks: set[str] = set()
        years = await self._years(uri, made)
        for number, topic in enumerate(found):
            before, tired = set(remarks), await asyncio.to_thread(self._history.tired, topic.context)
            remark = partial(remark_on_topic, topic, made=remarks, tired=tired, age_years=years.get(topic.start, 0))
            message = await model.attempt(remark)
            for new in remarks - before:
                await asyncio.to_thread(self._history.note, topic.context, new)
            if self._reviews.get(uri) is not made:
                return number
            made.set_message(topic, message)
            self._publish(uri, made)
            report(number + 1, len(found))
        return len(found)

    async def _years(self, uri: str, made: _Review) -> Mapping[int, int]:
        """Return how many whole years what is to be done has stood in its repository, by where it starts."""
        path = path_of(uri)
        # Where no model is loaded, as in a workspace that is not trusted, git is not run either.
        if path is None or not self._session.settings.model.enabled:
            return {}
        lines = {remark.topic.start: remark.start.line for remark in made.remarks if remark.topic.kind == "todo"}
        known = await ages(path, "\n".join(made.lines), lines.values())
        return {start: known[line] for start, line in lines.items() if line in known}

    async def _pitfall_topics(self, view: View) -> list[Topic]:
        """Return the pitfalls of a document as topics."""
        found = []
        for pitfall in await self._session.pitfalls(view):
            document, start = view.located(pitfall.start)
            if document is view.documents[view.cell]:
                end = start + pitfall.end - pitfall.start
                found.append(Topic("pitfall", pitfall.message, document.source[start:end], start, end))
        return found


def _remark(topic: Topic, view: View) -> _Remark:
    range_ = view.range(topic.start, topic.end)
    return _Remark(topic, range_.start, range_.end)


def _lines(view: View) -> list[str]:
    """Return the lines of a document without their line ends."""
    return [line.rstrip("\r\n") for line in view.documents[view.cell].lines]


def _moved(remark: _Remark, shift: int) -> _Remark:
    start, end = remark.start, remark.end
    return replace(
        remark,
        start=lsp.Position(start.line + shift, start.character),
        end=lsp.Position(end.line + shift, end.character),
    )


def _range(value: dict[str, dict[str, int]]) -> lsp.Range:
    return lsp.Range(lsp.Position(**value["start"]), lsp.Position(**value["end"]))


def register(server: LanguageServer, session: Session) -> None:
    """Register the commands with the server."""
    handler = ReviewHandler(session, History(locations.history_file()))
    session.callbacks.changed.append(handler.changed)
    session.callbacks.closed.append(handler.clear)

    @server.command("tenny.cynicalReview")
    async def cynical_review(uri: str, *ranges: Any) -> dict[str, int] | None:
        return await handler.review(uri, _range(ranges[0]) if ranges and ranges[0] else None)

    @server.command("tenny.clearReview")
    def clear_review(uri: str) -> None:
        handler.clear(uri)
