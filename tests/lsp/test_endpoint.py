"""A real language server whose model is another server: what that is sent, and that its end costs no fact."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.lsp.session import serving
from tests.lsp.test_status import WANTED, until
from tests.unit.endpoint_server import EndpointServer, endpoint_server

URI = "file:///net.py"
CODE = "import mlx.nn as nn\nnn.ReLU()\nnn.Tanh()\n# the secret of this file\n"


class Running:
    """An endpoint in a thread of its own, that answers every question alike until it is ended."""

    def __init__(self, says: str) -> None:
        self._ended = threading.Event()
        started: Future[EndpointServer] = Future()

        async def serve() -> None:
            async with endpoint_server(says=says) as server:
                started.set_result(server)
                await asyncio.to_thread(self._ended.wait)

        self._thread = threading.Thread(target=lambda: asyncio.run(serve()))
        self._thread.start()
        self.server = started.result(timeout=10)

    def end(self) -> None:
        self._ended.set()
        self._thread.join()


@pytest.fixture
def endpoint() -> Iterator[Running]:
    running = Running("Keeps what is positive.")
    yield running
    running.end()


def test_it_explains_in_hovers_and_its_end_costs_no_fact(tmp_path: Path, endpoint: Running) -> None:
    address = f"{endpoint.server.url}#tiny"
    options = {"hover": {"deadlineMs": 20_000}, "model": {"endpoint": address}}
    with serving(tmp_path) as server:
        session = server.session.initialize(options, capabilities=WANTED)
        session.open(URI, CODE)

        assert (session.hover(URI, 1, 4) or "").endswith("**Tenny:** Keeps what is positive.")
        assert until(session, model="the model is ready")["base"] == address
        endpoint.end()
        card = session.hover(URI, 2, 4) or ""
        assert "nn.Tanh" in card and "**Tenny:**" not in card
        unreachable = until(session, model="the model's server does not answer")
        assert unreachable["health"] == "warning" and "cannot be reached" in unreachable["reason"]

        session.end()
        assert "Traceback" not in server.log
    assert [asked.body["model"] for asked in endpoint.server.asked] == ["tiny"]
    assert "secret" not in str(endpoint.server.asked)
