"""A server that speaks enough HTTP for a model's client, and does what a prompt says, wrong things above all."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

HEAD = "HTTP/1.1 {} x\r\nContent-Type: {}\r\nServer: {}\r\nConnection: close\r\n{}\r\n"
STREAM, JSON = "text/event-stream", "application/json"


@dataclass
class Asked:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def prompt(self) -> str:
        return str(self.body.get("prompt") or self.body["messages"][0]["content"])


@dataclass
class EndpointServer:
    """What it was asked, how it goes on, and how its port is called.

    Args:
        port (int): Where it listens.
        models (tuple[str, ...]): The models it lists.
        server (str): What it calls itself.
        refuses (dict[str, tuple[int, str]]): Status and content that a path is answered with.
        says (str): The answer to every prompt; empty: a prompt's first word says what is done.
    """

    port: int = 0
    models: tuple[str, ...] = ("tiny",)
    server: str = "uvicorn"
    refuses: dict[str, tuple[int, str]] = field(default_factory=dict)
    says: str = ""
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    most_connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.most_connections = max(self.connections, self.most_connections)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(await self._request(reader), reader, writer)
                await writer.drain()
        finally:
            self.connections -= 1
            writer.close()

    async def _request(self, reader: asyncio.StreamReader) -> Asked:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        content = await reader.readexactly(int(headers.get("content-length", 0)))
        asked = Asked(head[0].split()[1], headers, json.loads(content or b"{}"))
        self.asked.append(asked)
        return asked

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def start(status: int = 200, kind: str = STREAM, more: str = "") -> None:
            writer.write(HEAD.format(status, kind, self.server, more).encode())

        if asked.path in self.refuses:
            status, content = self.refuses[asked.path]
            start(status, JSON, "Location: http://127.0.0.1:9/v1\r\n" if status == 302 else "")
            writer.write(content.encode())
            return
        if asked.path == "/v1/models":
            start(200, JSON)
            writer.write(json.dumps({"data": [{"id": name} for name in self.models]}).encode())
            return
        verb, _, rest = f"say {self.says}".partition(" ") if self.says else asked.prompt.partition(" ")
        is_chat = asked.path.endswith("/chat/completions")
        await getattr(self, f"_{verb}")(rest, is_chat, start, reader, writer)

    async def _say(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        """A good answer, with a comment and a count of tokens in between, as servers send them."""
        start()
        for word in rest.split():
            pipes[1].write(b": keepalive 1/2\n\n" + event(word + " ", is_chat))
        pipes[1].write(event("", is_chat, "length" if rest.endswith("…") else "stop"))
        pipes[1].write(b'data: {"choices": [], "usage": {"total_tokens": 3}}\n\ndata: [DONE]\n\n')

    async def _whole(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        """A server that does not stream."""
        start(200, JSON)
        said = {"message": {"content": rest}} if is_chat else {"text": rest}
        pipes[1].write(json.dumps({"choices": [{**said, "finish_reason": "stop"}]}).encode())

    async def _stall(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        """Nothing after the head (``head``), or after a word; until its client hangs up."""
        if rest != "silent":
            start()
        if rest == "word":
            pipes[1].write(event("word ", is_chat))
        await pipes[0].read()
        self.hung_up.set()

    async def _wait(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        await self.release.wait()
        await self._say(rest, is_chat, start, *pipes)

    async def _endless(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        start()
        while not pipes[1].is_closing():
            pipes[1].write(event("word " * 100, is_chat))
            await pipes[1].drain()

    async def _cut(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        start()
        pipes[1].write(event("word ", is_chat) + (b'data: {"choi' if rest == "event" else b""))

    async def _garbage(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        contents = {
            "json": b"data: nonsense\n\n",
            "list": b"data: [1]\n\n",
            "bytes": b"data: \xff\xfe\n\n",
            "choices": b'data: {"choices": 7}\n\n',
            "huge": b"data: " + b"x" * (1 << 21),
            "deep": b"data: " + b"[" * 100_000 + b"\n\n",
            "error": b'data: {"error": {"message": "out\\nof memory"}}\n\n',
        }
        start(200, "text/html" if rest == "html" else STREAM)
        pipes[1].write(contents.get(rest, b"<html>"))

    async def _http(self, rest: str, is_chat: bool, start: Callable[..., None], *pipes: Any) -> None:
        pipes[1].write(rest.encode() + b"\r\n\r\n")


def event(text: str, is_chat: bool, finish_reason: str | None = None) -> bytes:
    said: dict[str, Any] = {"delta": {"content": text}} if is_chat else {"text": text}
    return f"data: {json.dumps({'choices': [{**said, 'finish_reason': finish_reason}]})}\n\n".encode()


@contextlib.asynccontextmanager
async def endpoint_server(**options: Any) -> AsyncIterator[EndpointServer]:
    """Gives a server on a free port."""
    endpoint = EndpointServer(**options)
    served = await asyncio.start_server(endpoint.serve, "127.0.0.1", endpoint.port)
    endpoint.port = served.sockets[0].getsockname()[1]
    try:
        yield endpoint
    finally:
        served.close()


#: What a test awaits with a limit, so that a fault fails it instead of hanging.
def soon(result: Awaitable[Any]) -> Awaitable[Any]:
    return asyncio.wait_for(result, 20)
