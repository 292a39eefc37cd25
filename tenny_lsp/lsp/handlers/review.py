"""Reviews in an editor: a remark on each telling line of a file, shown until that line is edited."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from tenny_lsp.errors import TennyError
from tenny_lsp.features.review import Subject, of_pitfall, review, subjects
from tenny_lsp.lsp.documents import View
from tenny_lsp.lsp.progress import Report, progress

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer

LOGGER = logging.getLogger(__name__)

CODE = "cynical-review"


@dataclass(frozen=True, slots=True)
class _Line:
    """What is said about a part of a document, and where that is now; None as long as nothing is said."""

    subject: Subject
    start: lsp.Position
    end: lsp.Position
    message: str | None = None


@dataclass(slots=True)
class _Review:
    """The remarks on one document, and its lines when they were last looked at."""

    text: list[str]
    lines: list[_Line]

    def says(self, subject: Subject, message: str) -> None:
        self.lines = [replace(line, message=message) if line.subject is subject else line for line in self.lines]

    def follows(self, text: list[str]) -> bool:
        """Moves the remarks with their lines and drops those whose lines were edited; tells whether any has changed."""
        start = _same(self.text, text)
        end = len(self.text) - _same(self.text[start:][::-1], text[start:][::-1])
        shift, before = len(text) - len(self.text), self.lines
        self.lines = [line for line in before if line.end.line < start]
        self.lines += [_moved(line, shift) for line in before if line.start.line >= end and line.end.line >= start]
        self.text = text
        return self.lines != before


class Reviewing:
    """Reviews documents.

    Args:
        server (TennyServer): Who has the documents and the model.
    """

    def __init__(self, server: "TennyServer") -> None:
        self._server = server
        self._reviews: dict[str, _Review] = {}

    async def review(self, uri: str, range_: lsp.Range | None) -> dict[str, int] | None:
        """Reviews a document, or a range of it, and returns how many remarks were made; None when it is not there."""
        view = self._server.view(uri)
        if view is None:
            return None
        pitfalls = await self._pitfalls(view)
        view, document = view.alone(), view.documents[view.cell]
        whole = lsp.Range(lsp.Position(0, 0), lsp.Position(len(document.lines) + 1, 0))
        part = range_ if range_ is not None and range_.start != range_.end else whole
        found = subjects(view.buffer, view.offset(part.start), view.offset(part.end), pitfalls)
        made = self._reviews[uri] = _Review(_lines(view), [_line(view, subject) for subject in found])
        self._server.diagnostics.publish(uri)
        async with progress(self._server, "Tenny reviews") as report:
            done = await self._speak(uri, made, found, report)
        return {"remarks": done}

    def clear(self, uri: str) -> None:
        """Takes back every remark on a document."""
        if self._reviews.pop(uri, None) is not None:
            self._server.diagnostics.publish(uri)

    def changed(self, uri: str) -> None:
        """Follows an edit: a remark goes with its line, and ends with it."""
        made, view = self._reviews.get(uri), self._server.view(uri)
        if made is not None and view is not None and made.follows(_lines(view)):
            self._server.diagnostics.publish(uri)

    def diagnostics(self, uri: str) -> list[lsp.Diagnostic]:
        """Returns what is said about a document."""
        made = self._reviews.get(uri)
        return [_diagnostic(line, line.message) for line in (made.lines if made else []) if line.message is not None]

    async def _speak(self, uri: str, made: _Review, found: Sequence[Subject], report: Report) -> int:
        """Shows remarks as they come and returns how many; without a model they are those that were written by hand."""
        done, model = 0, self._server.roasting.model
        is_large = self._server.settings.model.is_large
        while done < len(found):
            try:
                async for subject, message in review(found[done:], model, may_write=is_large):
                    if self._reviews.get(uri) is not made:
                        return done
                    done += 1
                    made.says(subject, message)
                    self._server.diagnostics.publish(uri)
                    report(done, len(found))
            except TennyError as error:
                LOGGER.warning("The remarks are some that were written by hand: %s", error)
                model = None
        return done

    async def _pitfalls(self, view: View) -> list[Subject]:
        """Returns what is wrong in a document as something to talk about."""
        found = []
        for one in await self._server.diagnostics.pitfalls(view):
            document, start = view.located(one.start)
            if document is view.documents[view.cell]:
                here = replace(one, start=start, end=start + one.end - one.start)
                found.append(of_pitfall(here, document.source))
        return found


def _line(view: View, subject: Subject) -> _Line:
    range_ = view.range(subject.start, subject.end)
    return _Line(subject, range_.start, range_.end)


def _lines(view: View) -> list[str]:
    """Returns the lines of a document as they are compared, without what ends them."""
    return [line.rstrip("\r\n") for line in view.documents[view.cell].lines]


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    """Returns how many lines two texts have in common at their start."""
    pairs = zip(one, other, strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _moved(line: _Line, shift: int) -> _Line:
    start, end = line.start, line.end
    return replace(
        line,
        start=lsp.Position(start.line + shift, start.character),
        end=lsp.Position(end.line + shift, end.character),
    )


def _diagnostic(line: _Line, message: str) -> lsp.Diagnostic:
    range_ = lsp.Range(line.start, line.end)
    return lsp.Diagnostic(range_, message, lsp.DiagnosticSeverity.Information, CODE, source="Tenny")


def _range(value: dict[str, dict[str, int]]) -> lsp.Range:
    return lsp.Range(lsp.Position(**value["start"]), lsp.Position(**value["end"]))


def register_reviewing(server: "TennyServer") -> Reviewing:
    """Returns what reviews documents, having been registered with a server."""
    reviewing = Reviewing(server)

    @server.command("tenny.cynicalReview")
    async def cynical_review(uri: str, *ranges: Any) -> dict[str, int] | None:
        return await reviewing.review(uri, _range(ranges[0]) if ranges and ranges[0] else None)

    @server.command("tenny.clearReview")
    def clear_review(uri: str) -> None:
        reviewing.clear(uri)

    return reviewing
