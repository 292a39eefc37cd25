"""Run ``tenny.roastComment`` and offer it as a code action: show a remark on a comment, and insert it if wanted."""

import asyncio
from dataclasses import dataclass
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

from tenny_lsp import locations
from tenny_lsp.features.blame import ages
from tenny_lsp.features.history import History
from tenny_lsp.features.insertion import comment_below
from tenny_lsp.features.line_length import line_length
from tenny_lsp.features.roast import Roast, roast
from tenny_lsp.lsp.documents import path_of
from tenny_lsp.lsp.methods import ROAST_KIND
from tenny_lsp.lsp.positions import position_at
from tenny_lsp.lsp.session import Session
from tenny_lsp.lsp.to_lsp import is_wanted
from tenny_lsp.model.optional import OptionalModel
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.comments import Passage, passage_at, selection

#: Emacs' lsp-mode drops what it reads together with an answer that it waits for.
_PAUSE_AFTER_ANSWER_S = 0.1
INSERT, AGAIN, DISMISS = "Insert as comment", "Again", "Dismiss"


@dataclass(frozen=True, slots=True)
class _Target:
    """A passage of a document, and its text when it was roasted.

    Args:
        uri (str): The document.
        passage (Passage): The passage.
        text (str): Its text, marks and indentation included.
    """

    uri: str
    passage: Passage
    text: str


class RoastHandler:
    """Makes remarks on comments; offers to insert them or to make another."""

    def __init__(self, session: Session, history: History) -> None:
        self._session = session
        self._history = history
        self._conversations: set[asyncio.Task[None]] = set()

    async def actions(self, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        """Return the action that roasts a range: a comment, a docstring, or what is selected."""
        if not self._session.settings.roast.enabled or not is_wanted(ROAST_KIND, params.context.only):
            return []
        found = self._find(params.text_document.uri, params.range)
        if found is None:
            return []
        what = "selection" if found.passage.kind == "selection" else "comment"
        target = params.range if what == "selection" else params.range.start
        command = lsp.Command(f"Tenny: roast this {what}", "tenny.roastComment", None, [found.uri, target])
        return [lsp.CodeAction(command.title, ROAST_KIND, command=command)]

    async def roast(self, uri: str, range_: lsp.Range) -> dict[str, Any] | None:
        """Return ``{"comment", "sentiment", "roast"}`` of a range, and show it; None where there is no comment."""
        target = self._find(uri, range_)
        if target is None:
            self._session.client.show("There is no comment here.")
            return None
        made = await self._roast(target)
        request = asyncio.current_task()
        assert request is not None
        # Not before it is answered: eglot waits for the answer, and its user's choice must not take that time.
        request.add_done_callback(lambda _: self._begin(target, made))
        return {"comment": target.passage.text, "sentiment": made.sentiment, "roast": made.remark}

    async def close(self) -> None:
        """Cancel every open message."""
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    def _find(self, uri: str, range_: lsp.Range) -> _Target | None:
        view = self._session.view(uri)
        if view is None:
            return None
        view = view.alone()
        start, end = view.offset(range_.start), view.offset(range_.end)
        passage = passage_at(view.buffer, start)
        if start < end and (passage is None or end > passage.end):
            passage = selection(view.buffer, start, end)
        return _Target(uri, passage, view.buffer.text[passage.start : passage.end]) if passage is not None else None

    async def _roast(self, target: _Target) -> Roast:
        """Return a roast whose remark has not been made yet on the same words."""
        context, cynic = target.passage.context, self._session.speaker.cynic
        if cynic is not None and cynic.can.write:  # one that only chooses is seldom asked
            cynic.begin_to_load()  # while what has been said and the remarks are read
        made, tired, age = await asyncio.gather(
            asyncio.to_thread(self._history.said, context),
            asyncio.to_thread(self._history.tired, context),
            self._age(target),
        )
        model = OptionalModel(cynic, "The remark is one that was written by hand")
        async with self._session.client.progress("Tenny reads your comment") as report:
            said = await model.attempt(
                # A model that chooses would draw another remark for another seed, the worse ones among them.
                lambda model: roast(
                    context,
                    model,
                    seed=len(made) if model is not None and model.can.write else 0,
                    avoid=made,
                    tired=tired,
                    age_years=age,
                    on_progress=report,
                )
            )
        await asyncio.to_thread(self._history.note, context, said.remark)
        return said

    async def _age(self, target: _Target) -> int:
        """Return how many whole years a passage has stood in its repository; 0 where that is not known."""
        path, view = path_of(target.uri), self._session.view(target.uri)
        # Where no model is loaded, as in a workspace that is not trusted, git is not run either.
        if path is None or view is None or not self._session.settings.model.enabled:
            return 0
        text = view.alone().buffer.text
        line = text.count("\n", 0, target.passage.start)
        return (await ages(path, text, [line])).get(line, 0)

    def _begin(self, target: _Target, said: Roast) -> None:
        task = asyncio.create_task(self._converse(target, said), name="roast")
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)

    async def _converse(self, target: _Target, said: Roast) -> None:
        """Show a remark with its buttons, and another at each *Again*."""
        await asyncio.sleep(_PAUSE_AFTER_ANSWER_S)
        while True:
            choice = await self._session.client.ask(said.remark, (INSERT, AGAIN, DISMISS))
            if choice == INSERT:
                await self._insert(target, said.remark)
            if choice != AGAIN:
                return
            said = await self._roast(target)

    async def _insert(self, target: _Target, remark: str) -> None:
        """Write a remark below its passage, if that still stands there."""
        client, view = self._session.client, self._session.view(target.uri)
        start = _present_start(view.alone().buffer, target) if view is not None else None
        if view is None or start is None:
            client.show("The text has changed: nothing was inserted.")
            return
        document, end = view.documents[view.cell], start + len(target.text)
        insertion = comment_below(document.source, start, end, remark, line_length(path_of(view.uri)))
        if insertion is None:
            client.show("A comment cannot stand there: nothing was inserted.")
            return
        position = position_at(document, insertion.offset)
        edit = lsp.TextEdit(lsp.Range(position, position), insertion.text)
        if not await client.apply_edit(document.uri, document.version, edit, "Insert Tenny's remark"):
            client.show("The editor did not insert it.")


def _present_start(buffer: Buffer, target: _Target) -> int | None:
    """Return where a passage starts now: where it did, or at the only passage with the same text."""
    text, start = buffer.text, target.passage.start
    if text[start : start + len(target.text)] != target.text:
        start = text.find(target.text)
        if start < 0 or text.find(target.text, start + 1) >= 0:
            return None
    if target.passage.kind == "selection":
        return start
    now = passage_at(buffer, start)
    return start if now is not None and now.start == start and now.text == target.passage.text else None


def register(server: LanguageServer, session: Session) -> None:
    """Register the command and the code action."""
    handler = RoastHandler(session, History(locations.history_file()))
    session.callbacks.code_actions.append(handler.actions)
    session.callbacks.shutdown.append(handler.close)

    @server.command("tenny.roastComment")
    async def roast_comment(uri: str, target: lsp.Range | lsp.Position) -> dict[str, Any] | None:
        return await handler.roast(uri, target if isinstance(target, lsp.Range) else lsp.Range(target, target))
