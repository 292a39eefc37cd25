"""Roasts in an editor: the code action on a comment, the command, and the remark that becomes a comment itself."""

import asyncio
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from tenny_lsp import locations
from tenny_lsp.errors import TennyError
from tenny_lsp.features.insertion import comment_below
from tenny_lsp.features.line_length import line_length
from tenny_lsp.features.roast import Roast, roast
from tenny_lsp.lsp.documents import path_of
from tenny_lsp.lsp.progress import progress
from tenny_lsp.model.protocol import TextModel
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.comments import Passage, passage_at, selection

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer

LOGGER = logging.getLogger(__name__)

#: The kind of the code action.
ROAST = "refactor.rewrite.tenny"
#: Emacs' lsp-mode drops what it reads in one go with an answer that it waits for.
_BREATH_S = 0.1
INSERT, AGAIN, DISMISS = "Insert as comment", "Again", "Dismiss"


@dataclass(frozen=True, slots=True)
class _Place:
    """A passage of a document, and how it was written when it was roasted."""

    uri: str
    passage: Passage
    written: str


class Roasting:
    """Makes remarks on comments.

    Args:
        server (TennyServer): Who has the documents, the model and the settings.
    """

    def __init__(self, server: "TennyServer") -> None:
        self._server = server
        self._made: dict[str, list[str]] = {}
        self._talking: set[asyncio.Task[None]] = set()

    @property
    def model(self) -> TextModel | None:
        """The model as it speaks of comments; None where it has not learned to."""
        model, settings = self._server.model, self._server.settings
        path = settings.roast.adapter_path
        adapter = locations.expanded(path) if path else locations.find_adapter(settings.model.path, locations.CYNIC)
        return model.with_adapter(adapter) if model is not None and adapter is not None else None

    def actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        """Returns the action that roasts what stands in a range: a comment, a docstring, or what is selected."""
        if not self._server.settings.roast.enabled or not wants(params.context.only, ROAST):
            return []
        found = self._find(params.text_document.uri, params.range)
        if found is None:
            return []
        what = "selection" if found.passage.kind == "selection" else "comment"
        place = params.range if what == "selection" else params.range.start
        command = lsp.Command(f"Tenny: roast this {what}", "tenny.roastComment", None, [found.uri, place])
        return [lsp.CodeAction(command.title, ROAST, command=command)]

    async def roast(self, uri: str, range_: lsp.Range) -> dict[str, Any] | None:
        """Returns ``{"comment", "sentiment", "roast"}`` of what stands in a range, and shows it; None for nothing."""
        place = self._find(uri, range_)
        if place is None:
            self._tell("There is no comment here.")
            return None
        said = await self._said(place)
        request = asyncio.current_task()
        assert request is not None
        # Not before it is answered: eglot waits for the answer, and its user's choice must not take that time.
        request.add_done_callback(lambda _: self._begin(place, said))
        return {"comment": place.passage.text, "sentiment": said.sentiment, "roast": said.remark}

    async def close(self) -> None:
        """Ends every conversation."""
        for task in self._talking:
            task.cancel()
        await asyncio.gather(*self._talking, return_exceptions=True)

    def _find(self, uri: str, range_: lsp.Range) -> _Place | None:
        view = self._server.view(uri)
        if view is None:
            return None
        view = view.alone()
        start, end = view.offset(range_.start), view.offset(range_.end)
        passage = passage_at(view.buffer, start)
        if start < end and (passage is None or end > passage.end):
            passage = selection(view.buffer, start, end)
        return _Place(uri, passage, view.buffer.text[passage.start : passage.end]) if passage is not None else None

    async def _said(self, place: _Place) -> Roast:
        """Returns a remark that has not been made yet on the same words."""
        context = place.passage.context
        made = self._made.setdefault(context, [])
        async with progress(self._server, "Tenny reads your comment") as report:
            try:
                is_large = self._server.settings.model.is_large
                seed = len(made) if is_large else 0  # what has been made already makes another remark of it
                said = await roast(context, self.model, seed=seed, avoid=made, on_progress=report, may_write=is_large)
            except TennyError as error:
                LOGGER.warning("The remark is one that was written by hand: %s", error)
                said = await roast(context, None, avoid=made)
        made.append(said.remark)
        return said

    def _begin(self, place: _Place, said: Roast) -> None:
        task = asyncio.create_task(self._talk(place, said), name="roast")
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def _talk(self, place: _Place, said: Roast) -> None:
        """Shows a remark until its user has had enough of it."""
        await asyncio.sleep(_BREATH_S)
        actions = [lsp.MessageActionItem(title) for title in (INSERT, AGAIN, DISMISS)]
        while True:
            message = lsp.ShowMessageRequestParams(lsp.MessageType.Info, said.remark, actions)
            try:
                chosen = await self._server.window_show_message_request_async(message)
            except JsonRpcException:  # not every editor can ask, and of those that can not every one announces it
                self._tell(said.remark)
                return
            if chosen is not None and chosen.title == INSERT:
                await self._insert(place, said.remark)
            if chosen is None or chosen.title != AGAIN:
                return
            said = await self._said(place)

    async def _insert(self, place: _Place, remark: str) -> None:
        """Writes a remark below what it is about, if that still stands there."""
        view = self._server.view(place.uri)
        start = _where(view.alone().buffer, place) if view is not None else None
        if view is None or start is None:
            self._tell("The text has changed: nothing was inserted.")
            return
        document, end = view.documents[view.cell], start + len(place.written)
        insertion = comment_below(document.source, start, end, remark, line_length(path_of(view.uri)))
        if insertion is None:
            self._tell("A comment cannot stand there: nothing was inserted.")
            return
        # Not pygls' own: at the end of a last line without a line end it names the line after it.
        *rows, last = re.split(r"\r\n|\r|\n", document.source[: insertion.offset])
        position = lsp.Position(len(rows), document.position_codec.client_num_units(last))
        edit = lsp.TextEdit(lsp.Range(position, position), insertion.text)
        params = lsp.ApplyWorkspaceEditParams(self._edit(document.uri, document.version, edit), "Insert Tenny's remark")
        try:
            is_done = (await self._server.workspace_apply_edit_async(params)).applied
        except JsonRpcException:  # so says an editor whose user was asked, and would not
            is_done = False
        if not is_done:
            self._tell("The editor did not insert it.")

    def _edit(self, uri: str, version: int | None, edit: lsp.TextEdit) -> lsp.WorkspaceEdit:
        """Returns an edit of one version of a document, where the editor can tell versions apart."""
        workspace = self._server.client_capabilities.workspace
        if workspace is None or workspace.workspace_edit is None or not workspace.workspace_edit.document_changes:
            return lsp.WorkspaceEdit({uri: [edit]})
        document = lsp.OptionalVersionedTextDocumentIdentifier(uri, version)
        return lsp.WorkspaceEdit(document_changes=[lsp.TextDocumentEdit(document, [edit])])

    def _tell(self, text: str) -> None:
        self._server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Info, text))


def wants(only: Iterable[lsp.CodeActionKind | str] | None, kind: str) -> bool:
    """Tells whether a client wants actions of a kind: of any, or of one that it belongs to."""
    wanted = None if only is None else [str(getattr(one, "value", one)) for one in only]
    return wanted is None or any(kind == one or not one or kind.startswith(f"{one}.") for one in wanted)


def _where(buffer: Buffer, place: _Place) -> int | None:
    """Returns where a passage stands now: where it stood, or at the only place with the same words."""
    text, start = buffer.text, place.passage.start
    if text[start : start + len(place.written)] != place.written:
        start = text.find(place.written)
        if start < 0 or text.find(place.written, start + 1) >= 0:
            return None
    if place.passage.kind == "selection":
        return start
    now = passage_at(buffer, start)
    return start if now is not None and now.start == start and now.text == place.passage.text else None


def register_roasting(server: "TennyServer") -> Roasting:
    """Returns what makes remarks, having been registered with a server."""
    roasting = Roasting(server)

    @server.command("tenny.roastComment")
    async def roast_comment(uri: str, place: lsp.Range | lsp.Position) -> dict[str, Any] | None:
        return await roasting.roast(uri, place if isinstance(place, lsp.Range) else lsp.Range(place, place))

    return roasting
