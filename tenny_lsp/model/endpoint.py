"""A TextModel behind an OpenAI-compatible server: mlx_lm.server, vLLM, Ollama, LM Studio, llama.cpp."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from tenny_lsp.errors import AdapterError, BaseModelError, ModelUnavailable
from tenny_lsp.model.endpoint_address import EndpointAddress
from tenny_lsp.model.endpoint_client import EndpointClient, EndpointOptions
from tenny_lsp.model.endpoint_errors import RequestRefused
from tenny_lsp.model.endpoint_http import Piece
from tenny_lsp.model.prompt_format import prompt_format
from tenny_lsp.model.prompts import QUESTION_STOP, SEPARATOR
from tenny_lsp.model.protocol import Abilities, ModelState, Sampled, Sampling

#: It is not asked how likely a text is, and code is sent to it only where a user wants that.
_CAN = Abilities(complete=False, chat=True, score=False, follow=True)
_TEXTS, _CHATS = "/completions", "/chat/completions"
#: Tells models that may think aloud first not to; servers that do not know it ignore it, and a few refuse it.
_PLAIN = "chat_template_kwargs"
#: How mlx_lm.server calls itself, the one that takes an adapter beside the model.
_MLX_LM = "BaseHTTP"


class EndpointModel:
    """A ``TextModel`` over HTTP. Nothing is sent before the first request.

    Args:
        address (EndpointAddress): Where the server is.
        adapter (Path, optional): The adapter: a name that the server lists among its models, or for mlx_lm.server a
            folder. Default: the model answers as the server serves it.
        deadline_s (float): Seconds after its beginning when an unfinished answer is given up.
        options (EndpointOptions, optional): How long the server is waited for.
        client (EndpointClient, optional): Connections to share, as ``with_adapter`` does.
    """

    def __init__(
        self,
        address: EndpointAddress,
        adapter: Path | None = None,
        *,
        deadline_s: float = 30.0,
        options: EndpointOptions | None = None,
        client: EndpointClient | None = None,
    ) -> None:
        self._address = address
        self._adapter = adapter
        self._deadline_s = deadline_s
        self._client = client or EndpointClient(address, options or EndpointOptions())

    @property
    def identity(self) -> str:
        """A hash of address, model and adapter. That the server has another model by now, nobody here can know."""
        return sha256(f"{self._address}\0{self._adapter}\0temperature=0".encode()).hexdigest()

    @property
    def can(self) -> Abilities:
        """What it can do."""
        return _CAN if self._adapter is None else replace(_CAN, follow=False)

    @property
    def state(self) -> ModelState:
        """What is known of the server."""
        return self._client.state

    def watch(self, on_change: Callable[[], None]) -> None:
        """Register a callback for changes of ``state``."""
        self._client.watch(on_change)

    def begin_to_load(self) -> None:
        """Do nothing: a server has loaded its model."""

    async def load(self) -> None:
        """Ask the server for its models, to know that it is there.

        Raises:
            RequestRefused: The server wants a key.
            ModelUnavailable: The server cannot be reached, or is no such server.
        """
        try:
            await self._client.models()
        except RequestRefused as error:
            if error.said:
                raise

    def with_adapter(self, adapter: Path | None) -> "EndpointModel":
        """Return a model that shares this one's connections and answers with another adapter."""
        return EndpointModel(self._address, adapter, deadline_s=self._deadline_s, client=self._client)

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        """Return the whole completion of ``prompt``, without white space around it.

        Raises:
            BaseModelError: The server has no such model.
            AdapterError: The server has no such adapter.
            ModelUnavailable: The server cannot be reached, refuses the request, fails or is late.
        """
        stop = QUESTION_STOP if prompt.endswith(SEPARATOR) else ()
        pieces = self._answer(prompt, {"max_tokens": max_tokens, "temperature": 0, **_stopping(stop)})
        async with contextlib.aclosing(pieces):
            return "".join([piece.text async for piece in pieces]).strip()

    async def write(self, text: str, *, max_tokens: int = 96) -> AsyncGenerator[str, None]:
        """Yield the continuation of a text, piece by piece, at most ``max_tokens`` tokens.

        Raises:
            BaseModelError: The server has no such model.
            ModelUnavailable: The server cannot be reached, has no completions of texts, fails or is late.
        """
        body = {**self.with_adapter(None)._named(), "max_tokens": max_tokens, "temperature": 0}
        pieces = self._client.pieces(_TEXTS, {**body, "prompt": _encodable(text)}, self._deadline_s)
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                if piece.text:
                    yield piece.text

    async def candidates(self, prompt: str, sampling: Sampling) -> AsyncGenerator[Sampled, None]:
        """Yield several completions of ``prompt``, each when it is complete; how likely they are is not known.

        Raises:
            BaseModelError: The server has no such model.
            AdapterError: The server has no such adapter.
            ModelUnavailable: The server cannot be reached, refuses the request, fails or is late.
        """
        tasks = {asyncio.create_task(self._sampled(prompt, sampling, place)) for place in range(sampling.count)}
        try:
            for sampled in asyncio.as_completed(tasks):
                yield await sampled
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def score(self, text: str, names: Sequence[str]) -> list[float]:  # noqa: ARG002
        """Raise: a served model is not asked how likely a text is.

        Raises:
            ModelUnavailable: Always.
        """
        self._refuse_to_score()

    async def choose(self, prompt: str, answers: Sequence[str]) -> list[float]:  # noqa: ARG002
        """Raise: a served model is not asked how likely a text is.

        Raises:
            ModelUnavailable: Always.
        """
        self._refuse_to_score()

    async def compare(self, prompts: Sequence[str], answer: str) -> list[float]:  # noqa: ARG002
        """Raise: a served model is not asked how likely a text is.

        Raises:
            ModelUnavailable: Always.
        """
        self._refuse_to_score()

    async def close(self) -> None:
        """Close every connection. Every unfinished answer raises ModelUnavailable."""
        await self._client.close()

    async def _sampled(self, prompt: str, sampling: Sampling, place: int) -> Sampled:
        options = {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed * sampling.count + place,
            **_stopping(sampling.stop),
        }
        text, reason = "", ""
        async with contextlib.aclosing(self._answer(prompt, options)) as pieces:
            async for piece in pieces:
                text, reason = text + piece.text, piece.finish_reason or reason
        return Sampled(text.strip(), is_finished=reason == "stop")

    async def _answer(self, prompt: str, options: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of an answer: as a message to a model that chats, else as a text to continue."""
        try:
            body = {**await self._adapted(), **options}
            pieces = self._attempts(_encodable(prompt), body)
            async with contextlib.aclosing(pieces):
                async for piece in pieces:
                    yield piece
        except BaseModelError as error:
            if self._adapter is None:
                raise
            raise AdapterError(f"The adapter {self._adapter} does not answer: {error.what}", error.next_step) from error

    async def _attempts(self, prompt: str, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        is_chat = prompt_format(self._adapter, self.can) == "chat"
        message = {"messages": [{"role": "user", "content": prompt}]}
        while True:
            refused = set(self._client.refused)
            as_chat = is_chat and _CHATS not in refused
            path = _CHATS if as_chat else _TEXTS
            asked = {**body, **(message if as_chat else {"prompt": prompt})}
            if as_chat and _PLAIN not in refused:
                asked[_PLAIN] = {"enable_thinking": False}
            try:
                async with contextlib.aclosing(self._client.pieces(path, asked, self._deadline_s)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except RequestRefused as error:
                self._note_refused(asked, error.said)
                if not as_chat or self._client.refused <= refused:
                    raise

    def _note_refused(self, asked: dict[str, Any], said: str) -> None:
        """Note what of a chat the server does not take."""
        if _PLAIN in asked and _PLAIN in said:
            self._client.refused.add(_PLAIN)
        elif not said or "chat template" in said:  # it knows no chats, or the model has no template for them
            self._client.refused.add(_CHATS)

    def _named(self) -> dict[str, Any]:
        """Return the fields of a request that name the model; none where the server is to choose it."""
        return {"model": self._address.model} if self._address.model else {}

    async def _adapted(self) -> dict[str, Any]:
        """Return the fields of a request that name model and adapter.

        Raises:
            AdapterError: The server has no such adapter.
        """
        if self._adapter is None:
            return self._named()
        names, server = await self._client.models()
        if str(self._adapter) in names:
            return {"model": str(self._adapter)}
        if not server.startswith(_MLX_LM):
            raise AdapterError(
                f"{self._address.url} has no adapter {self._adapter} among its models",
                "Serve it there under that name; only mlx_lm.server takes an adapter's folder.",
            )
        if not self._address.model:
            raise AdapterError(
                f"{self._address.url} takes the adapter {self._adapter} for a model that is named only",
                "Name the model behind a #, as the server was given it.",
            )
        adapter = self._adapter.resolve() if self._adapter.is_dir() else self._adapter
        return {**self._named(), "adapters": str(adapter)}

    def _refuse_to_score(self) -> NoReturn:
        raise ModelUnavailable(
            f"{self._address.url} is not asked how likely a text is", "The model on this machine ranks names."
        )


def _stopping(stop: tuple[str, ...]) -> dict[str, Any]:
    return {"stop": list(stop)} if stop else {}


def _encodable(text: str) -> str:
    """Return a text without lone surrogates, which an editor may send and JSON in UTF-8 does not take."""
    return text.encode(errors="replace").decode()
