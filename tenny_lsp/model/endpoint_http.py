"""Send requests to an OpenAI-compatible server and read its answers; the only file that speaks HTTP.

Nothing is sent but by a request: no address is followed that the server names, and the key goes nowhere else.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tenny_lsp import __version__
from tenny_lsp.errors import TennyError
from tenny_lsp.model.endpoint_address import EndpointAddress
from tenny_lsp.model.endpoint_errors import closed, cut_off, failed, key, nonsense, refusal, unreachable, unreadable

if TYPE_CHECKING:
    import httpx2

#: The most that is read of one event, of one answer or list, and of an error.
_MOST_EVENT_BYTES, _MOST_BYTES, _MOST_ERROR_BYTES = 1 << 20, 1 << 22, 1 << 16
#: No token is longer, but for a few of white space.
_MOST_TOKEN_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class Piece:
    """The next piece of an answer.

    Args:
        text (str): The text; it may be empty.
        finish_reason (str): ``stop`` or ``length`` with the last piece; else empty.
    """

    text: str
    finish_reason: str = ""


class EndpointHttp:
    """The connections to one server.

    Args:
        address (EndpointAddress): Where it is.
        connect_s (float): Seconds for a connection.
        most_connections (int): The most of them at once.
    """

    def __init__(self, address: EndpointAddress, connect_s: float, most_connections: int) -> None:
        self._address = address
        self._connect_s = connect_s
        self._most_connections = most_connections
        self._opening = asyncio.Lock()
        self._client: httpx2.AsyncClient | None = None
        self._is_closed = False

    async def models(self) -> tuple[frozenset[str], str]:
        """Return the names of the server's models, and what the server calls itself; both may be empty.

        Raises:
            BaseModelError: The server cannot list them.
            RequestRefused: The server wants a key, or has no list.
            ModelUnavailable: The server cannot be reached, fails, or is no such server.
        """
        async with self._response("GET", "/models") as response:
            # mlx_lm.server says nothing at all where no model has been downloaded.
            content = await _limited(response, _MOST_BYTES) or b'{"data": []}'
            try:
                names = frozenset(str(one["id"]) for one in json.loads(content)["data"])
            except (ValueError, TypeError, KeyError, RecursionError):
                raise nonsense(self._address, "no list of models") from None
            return names, response.headers.get("server", "")

    async def answer(self, path: str, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """Yield the pieces of an answer. Closing the generator early closes the request.

        Args:
            path (str): ``/completions`` or ``/chat/completions``.
            body (dict): The request, as JSON values.

        Raises:
            BaseModelError: The server has no such model.
            RequestRefused: The server wants a key, or does not take the request.
            ModelUnavailable: The server cannot be reached, fails or says nonsense.
        """
        size, is_finished = 0, False
        async with self._response("POST", path, json={**body, "stream": True}) as response:
            async for data in _data(response):
                piece = self._piece(data)
                size += len(piece.text)
                if size > min(_MOST_BYTES, body.get("max_tokens", _MOST_BYTES) * _MOST_TOKEN_CHARACTERS):
                    raise nonsense(self._address, "more than was asked for")
                is_finished = is_finished or bool(piece.finish_reason)
                yield piece
        if not is_finished:
            raise cut_off(self._address)

    async def close(self) -> None:
        """Close every connection; nothing is sent from then on."""
        self._is_closed = True
        async with self._opening:
            if self._client is not None:
                await self._client.aclose()

    def _piece(self, data: str | bytes) -> Piece:
        try:
            values = json.loads(data)
            if values.get("error"):
                raise failed(self._address, values["error"])
            # The event that counts tokens has no choices.
            choice = values["choices"][0] if values["choices"] else {}
            said = choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
            return Piece(str(said.get("content") or ""), str(choice.get("finish_reason") or ""))
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
            raise nonsense(self._address, f"what is no answer: {data[:60]!r}") from None

    @contextlib.asynccontextmanager
    async def _response(self, method: str, path: str, **body: Any) -> AsyncIterator["httpx2.Response"]:
        """Give the response to a request when its head is there."""
        secret, client = key(), await self._opened()
        import httpx2

        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        try:
            async with client.stream(method, self._address.url + path, headers=headers, **body) as response:
                if response.status_code != 200:
                    content = await _limited(response, _MOST_ERROR_BYTES)
                    raise refusal(self._address, response.status_code, content)
                yield response
        except TennyError:
            raise
        except (httpx2.DecodingError, httpx2.SSEError) as error:
            raise unreadable(self._address, error) from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, UnicodeError) as error:
            raise unreachable(self._address, error) from None

    async def _opened(self) -> "httpx2.AsyncClient":
        async with self._opening:
            if self._is_closed:
                raise closed()
            if self._client is None:
                # In a thread: importing the library and reading certificates takes a while.
                self._client = await asyncio.to_thread(self._make_client)
            return self._client

    def _make_client(self) -> "httpx2.AsyncClient":
        import httpx2

        return httpx2.AsyncClient(
            headers={"User-Agent": f"tenny-lsp/{__version__}", "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(None, connect=self._connect_s),
            limits=httpx2.Limits(max_connections=self._most_connections),
            # A proxy of the environment is never asked for what is on this machine.
            trust_env=not self._address.is_local,
        )


async def _data(response: "httpx2.Response") -> AsyncIterator[str | bytes]:
    """Yield the JSON texts of an answer: one for each event, or one where the server does not stream."""
    from httpx2 import EventSource

    if response.headers.get("content-type", "").startswith("application/json"):
        yield await _limited(response, _MOST_BYTES)
        return
    async for event in EventSource(response, _MOST_EVENT_BYTES):
        if event.data == "[DONE]":
            return
        yield event.data


async def _limited(response: "httpx2.Response", most_bytes: int) -> bytes:
    """Return the content of a response, or its beginning."""
    content = b""
    async for block in response.aiter_bytes():
        content += block
        if len(content) > most_bytes:
            break
    return content[:most_bytes]
