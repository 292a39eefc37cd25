"""A real mlx_lm.server with the embedded base, asked through its endpoint."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tenny_lsp import locations
from tenny_lsp.errors import AdapterError, TennyError
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.endpoint import EndpointModel
from tenny_lsp.model.endpoint_address import read_address
from tenny_lsp.model.prompts import hover_question, prompt_of
from tenny_lsp.model.protocol import Sampling

BASE = locations.embedded_base()
PROMPT = prompt_of(hover_question("nn.ReLU"))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The server's address, its model named."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "mlx_lm.server", "--model", str(BASE), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "MLX_DISABLE_COMPILE": "1"}
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as process:
        try:
            end_s = time.monotonic() + 120
            while not _answers(url):
                assert process.poll() is None and time.monotonic() < end_s, log.read_text()
                time.sleep(0.2)
            yield f"{url}#{BASE}"
        finally:
            process.kill()


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/models", timeout=5) as response:
        return response.status == 200
    return False


@pytest.fixture(scope="module")
def adapter() -> Path:
    found = locations.find_adapter()
    assert found is not None
    return found


async def test_it_answers_as_the_worker_does(address: str, adapter: Path) -> None:
    worker = WorkerModel(WorkerOptions(BASE, adapter))
    endpoint = EndpointModel(read_address(address), adapter, deadline_s=120)
    try:
        await endpoint.load()
        said = await endpoint.complete(PROMPT, max_tokens=24)
        assert said and said == await worker.complete(PROMPT, max_tokens=24)
        assert endpoint.state.phase == "ready"
    finally:
        await worker.close()
        await endpoint.close()


async def test_it_chats_draws_and_continues_code_in_pieces(address: str) -> None:
    endpoint = EndpointModel(read_address(address), deadline_s=120)
    try:
        assert await endpoint.complete("import mlx.core as", max_tokens=8)
        drawn = [one async for one in endpoint.candidates("# fixed", Sampling(count=3, max_tokens=6))]
        assert len(drawn) == 3 and all(not one.is_finished or one.text for one in drawn)
        pieces = [piece async for piece in endpoint.write("import mlx.core as", max_tokens=8)]
        assert len(pieces) > 1
    finally:
        await endpoint.close()


async def test_several_are_asked_at_once_and_one_is_cancelled(address: str) -> None:
    endpoint = EndpointModel(read_address(address), deadline_s=120)
    try:
        tasks = [asyncio.create_task(endpoint.complete(f"x = {place}", max_tokens=40)) for place in range(6)]
        await asyncio.sleep(0.2)
        tasks.pop().cancel()
        assert len(await asyncio.gather(*tasks)) == 5
    finally:
        await endpoint.close()


async def test_what_it_does_not_have_is_said(address: str, tmp_path: Path) -> None:
    endpoint = EndpointModel(read_address(address), tmp_path, deadline_s=120)
    unknown = EndpointModel(read_address(address.partition("#")[0] + "#/no/such/model"), deadline_s=120)
    try:
        with pytest.raises(AdapterError, match="does not answer"):
            await endpoint.complete(PROMPT)
        with pytest.raises(TennyError, match="/no/such/model"):
            await unknown.complete(PROMPT)
    finally:
        await endpoint.close()
        await unknown.close()


def test_the_command_line_asks_it(address: str, adapter: Path) -> None:
    command = [sys.executable, "-m", "tenny_lsp", "ask", "What is nn.ReLU?", "--json", "--model", address]
    answered = subprocess.run([*command, "--adapter-path", str(adapter)], capture_output=True, text=True, timeout=300)
    assert answered.returncode == 0, answered.stderr
    assert '"generated": true' in answered.stdout and "mlx.nn.ReLU" in answered.stdout

    roast = [sys.executable, "-m", "tenny_lsp", "roast", "# we will clean this up later", "--model", address]
    remarked = subprocess.run(roast, capture_output=True, text=True, timeout=300)
    assert remarked.returncode == 0 and remarked.stdout.strip(), remarked.stderr


def test_the_command_line_says_that_nobody_listens_and_gives_the_facts() -> None:
    command = [sys.executable, "-m", "tenny_lsp", "ask", "What is nn.ReLU?", "--model", "http://127.0.0.1:1"]
    answered = subprocess.run(command, capture_output=True, text=True, timeout=300)

    assert answered.returncode == 0 and "nn.ReLU" in answered.stdout
    assert "The documentation answers alone" in answered.stderr and "cannot be reached" in answered.stderr

    command[3:5] = ["roast", "# we will clean this up later"]
    remarked = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert remarked.returncode == 0 and remarked.stdout.strip(), remarked.stderr
    assert "Traceback" not in answered.stderr
