"""The model behind an OpenAI-compatible server: what is asked, what is read, and every way in which that goes wrong."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.errors import AdapterError, BaseModelError, ModelUnavailable, TennyError
from tenny_lsp.model.endpoint import EndpointModel
from tenny_lsp.model.endpoint_address import EndpointAddress, read_address
from tenny_lsp.model.endpoint_client import EndpointOptions
from tenny_lsp.model.endpoint_errors import RequestRefused
from tenny_lsp.model.prompts import prompt_of
from tenny_lsp.model.protocol import ModelState, Sampling
from tests.unit.endpoint_server import EndpointServer, endpoint_server, soon

NO_PAUSE = EndpointOptions(backoff_s=0, max_backoff_s=0)
ADAPTER = Path("cynic")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TENNY_API_KEY", raising=False)


@pytest.fixture
async def server() -> AsyncIterator[EndpointServer]:
    async with endpoint_server() as server:
        yield server


@contextlib.asynccontextmanager
async def model_of(
    server: EndpointServer, options: EndpointOptions = NO_PAUSE, **more: Any
) -> AsyncIterator[EndpointModel]:
    model = EndpointModel(EndpointAddress(server.url, more.pop("name", "")), options=options, **more)
    try:
        yield model
    finally:
        await model.close()


async def answer(server: EndpointServer, prompt: str, **more: Any) -> str:
    async with model_of(server, **more) as model:
        return str(await soon(model.complete(prompt)))


@pytest.mark.parametrize("verb", ["say", "whole"])
async def test_a_question_is_a_message_and_its_answer_is_read(server: EndpointServer, verb: str) -> None:
    assert await answer(server, f"{verb} Joins arrays.", name="tiny") == "Joins arrays."

    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions" and asked.body["messages"] == [
        {"role": "user", "content": f"{verb} Joins arrays."}
    ]
    assert (asked.body["model"], asked.body["temperature"], asked.body["stream"]) == ("tiny", 0, True)
    assert "authorization" not in asked.headers


async def test_a_question_ends_before_the_next_one_and_a_server_chooses_its_model(server: EndpointServer) -> None:
    await answer(server, "say " + prompt_of("What is it?"))

    assert server.asked[0].body["stop"] == ["\nQ:"] and "model" not in server.asked[0].body


async def test_code_is_continued_as_a_text_piece_by_piece(server: EndpointServer) -> None:
    async with model_of(server, adapter=ADAPTER) as model:
        pieces = [piece async for piece in model.write("say import mlx", max_tokens=7)]

    assert pieces == ["import ", "mlx "]
    assert (server.asked[0].path, server.asked[0].body["prompt"]) == ("/v1/completions", "say import mlx")
    assert server.asked[0].body["max_tokens"] == 7


async def test_several_remarks_are_drawn_with_seeds_of_their_own(server: EndpointServer) -> None:
    async with model_of(server) as model:
        drawn = [one async for one in model.candidates("say Fine …", Sampling(count=5, seed=3, stop=("\n",)))]
        again = [one async for one in model.candidates("say Fine", Sampling(count=1))]

    assert [(one.text, one.is_finished) for one in drawn] == [("Fine …", False)] * 5
    assert again[0].is_finished
    assert len({asked.body["seed"] for asked in server.asked[:5]}) == 5
    assert server.most_connections <= NO_PAUSE.at_once


async def test_a_lone_surrogate_is_replaced(server: EndpointServer) -> None:
    assert await answer(server, "say a\ud800b") == "a?b"


async def test_the_key_comes_from_the_environment_and_stands_in_no_log(
    server: EndpointServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("TENNY_API_KEY", "sesame")
    await answer(server, "say Fine")
    server.refuses["/v1/chat/completions"] = (400, '{"error": {"message": "wrong key sesame"}}')
    with pytest.raises(RequestRefused) as refused:
        await answer(server, "say Fine")

    assert server.asked[0].headers["authorization"] == "Bearer sesame"
    assert "sesame" not in caplog.text + str(refused.value) and "wrong key …" in str(refused.value)


async def test_what_is_no_key_is_not_sent_nor_shown(server: EndpointServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENNY_API_KEY", "open\nsesame")

    with pytest.raises(ModelUnavailable, match="TENNY_API_KEY") as refused:
        await answer(server, "say Fine")
    assert "sesame" not in str(refused.value) and server.asked == []


@pytest.mark.parametrize(
    ("status", "content", "kind", "says"),
    [
        (401, "", ModelUnavailable, "wants a key .*TENNY_API_KEY"),
        (404, '{"error": {"message": "model tiny not found"}}', BaseModelError, "no model tiny: model tiny not found"),
        (404, '{"error": "no repo"}', BaseModelError, "no model tiny: no repo"),
        (400, '{"object": "error", "message": "too long"}', ModelUnavailable, r"refused the request .400.: too long"),
        (429, "{}", ModelUnavailable, r"failed .429."),
        (500, "<html>oops", ModelUnavailable, r"failed .500.: it does not say why"),
        (302, "", ModelUnavailable, "Tenny follows none"),
        (418, "[" * 100_000, ModelUnavailable, "418"),
    ],
)
async def test_what_a_status_means(
    server: EndpointServer, status: int, content: str, kind: type[TennyError], says: str
) -> None:
    server.refuses |= dict.fromkeys(("/v1/chat/completions", "/v1/completions"), (status, content))

    with pytest.raises(kind, match=says):
        await answer(server, "say Fine", name="tiny")


@pytest.mark.parametrize("fault", ["json", "list", "bytes", "choices", "huge", "deep", "html"])
async def test_garbage_is_said_to_be_some(server: EndpointServer, fault: str) -> None:
    with pytest.raises(ModelUnavailable) as found:
        await answer(server, f"garbage {fault}")
    assert server.url in str(found.value) and len(str(found.value)) < 500


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ("garbage error", "failed: out of memory"),
        ("cut", "cut its answer off"),
        ("cut event", "cut its answer off|no answer"),
        ("endless", "answered with more than was asked for"),
        ("garbage html", "answered with what cannot be read: Expected response with content type"),
        ("http HTTP/1.1 200 x\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\nx", "cannot be read"),
        ("http nonsense", "cannot be reached"),
        ("http HTTP/1.1 200 x\r\nContent-Length: 9", "cannot be reached|text/event-stream"),
    ],
)
async def test_a_broken_answer_is_none(server: EndpointServer, prompt: str, says: str) -> None:
    with pytest.raises(ModelUnavailable, match=says):
        await answer(server, prompt)


@pytest.mark.parametrize("where", ["silent", "head", "word"])
async def test_a_server_that_stalls_is_left(server: EndpointServer, where: str) -> None:
    async with model_of(server, EndpointOptions(first_piece_s=0.5, next_piece_s=0.5)) as model:
        await soon(model.load())  # what the client itself takes to begin does not count here
        with pytest.raises(ModelUnavailable, match="in time"):
            await model.complete(f"stall {where}")
        await soon(server.hung_up.wait())


async def test_an_answer_has_a_deadline(server: EndpointServer) -> None:
    with pytest.raises(ModelUnavailable, match="in time"):
        await answer(server, "stall word", deadline_s=0.2)


async def test_nobody_listens(server: EndpointServer) -> None:
    server.port = 1
    with pytest.raises(ModelUnavailable, match="cannot be reached") as found:
        await answer(server, "say Fine")
    assert "Start it" in str(found.value)


async def test_cancelling_closes_the_request(server: EndpointServer) -> None:
    async with model_of(server) as model:
        task = asyncio.create_task(model.complete("stall word"))
        while not server.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        await soon(server.hung_up.wait())

        assert await soon(model.complete("say Fine")) == "Fine"


async def test_leaving_a_text_closes_the_request(server: EndpointServer) -> None:
    async with model_of(server) as model:
        async with contextlib.aclosing(model.write("stall word")) as pieces:
            assert await soon(anext(pieces)) == "word "
        await soon(server.hung_up.wait())


async def test_closing_ends_what_is_unfinished(server: EndpointServer) -> None:
    model = EndpointModel(EndpointAddress(server.url), options=NO_PAUSE)
    task = asyncio.create_task(model.complete("stall word"))
    while not server.asked:
        await asyncio.sleep(0.01)
    await soon(model.close())

    for unfinished in (task, model.complete("say Fine")):
        with pytest.raises(ModelUnavailable, match="closed"):
            await soon(unfinished)


async def test_few_are_asked_at_once_the_newest_first_and_too_many_are_refused(server: EndpointServer) -> None:
    async with model_of(server, EndpointOptions(at_once=1, waiting=2)) as model:
        tasks = []
        for word in ("first", "dropped", "second", "third"):
            tasks.append(asyncio.create_task(model.complete(f"wait {word}")))
            await asyncio.sleep(0.05)
        server.release.set()
        with pytest.raises(ModelUnavailable, match="too many"):
            await soon(tasks.pop(1))
        assert await soon(asyncio.gather(*tasks)) == ["first", "second", "third"]

    assert [asked.prompt for asked in server.asked] == ["wait first", "wait third", "wait second"]


async def test_one_that_gives_up_waiting_leaves_its_place(server: EndpointServer) -> None:
    async with model_of(server, EndpointOptions(at_once=1)) as model:
        first = asyncio.create_task(model.complete("wait first"))
        await asyncio.sleep(0.05)
        waiting = asyncio.create_task(model.complete("say never"))
        await asyncio.sleep(0)
        waiting.cancel()
        server.release.set()
        assert await soon(first) == "first"
        assert await soon(model.complete("say next")) == "next"


async def test_after_a_failure_the_server_is_left_alone_for_a_while(server: EndpointServer) -> None:
    seen: list[ModelState] = []
    async with model_of(server, EndpointOptions(backoff_s=0.2)) as model:
        model.watch(lambda: seen.append(model.state))
        for _ in range(2):
            with pytest.raises(ModelUnavailable, match="cut"):
                await soon(model.complete("cut"))
        assert len(server.asked) == 1
        assert model.state.phase == "unreachable" and "cut its answer off" in model.state.reason
        await asyncio.sleep(0.25)
        assert await soon(model.complete("say Back.")) == "Back."

    assert [state.phase for state in seen] == ["unreachable", "ready"]


async def test_what_the_server_refuses_holds_up_nothing_else(server: EndpointServer) -> None:
    async with model_of(server, EndpointOptions(backoff_s=1000, max_backoff_s=1000)) as model:
        server.refuses["/v1/chat/completions"] = (400, '{"error": "too long"}')
        with pytest.raises(RequestRefused):
            await soon(model.complete("say Fine"))
        server.refuses.clear()
        assert await soon(model.complete("say Fine")) == "Fine"


@pytest.mark.parametrize("said", [(404, "Not Found"), (400, '{"message": "no chat template is defined"}')])
async def test_a_server_without_chats_is_asked_to_continue(server: EndpointServer, said: tuple[int, str]) -> None:
    server.refuses["/v1/chat/completions"] = said
    async with model_of(server) as model:
        for _ in range(2):
            assert await soon(model.complete("say Fine")) == "Fine"

    assert [asked.path for asked in server.asked] == ["/v1/chat/completions", "/v1/completions", "/v1/completions"]


async def test_a_field_that_a_server_does_not_know_is_left_out(server: EndpointServer) -> None:
    server.refuses["/v1/chat/completions"] = (400, '{"error": {"message": "Unknown: chat_template_kwargs"}}')
    async with model_of(server) as model:
        with pytest.raises(RequestRefused):
            await soon(model.complete("say Fine"))

    assert ["chat_template_kwargs" in asked.body for asked in server.asked] == [True, False]


async def test_an_adapter_is_one_of_the_servers_models(server: EndpointServer) -> None:
    server.models = ("tiny", "cynic")
    assert await answer(server, "say Fine", adapter=ADAPTER, name="tiny") == "Fine"

    assert server.asked[-1].body["model"] == "cynic" and "adapters" not in server.asked[-1].body
    assert server.asked[-1].path == "/v1/completions"


async def test_mlx_lm_takes_an_adapters_folder(server: EndpointServer, tmp_path: Path) -> None:
    server.server = "BaseHTTP/0.6 Python/3.11"
    assert await answer(server, "say Fine", adapter=tmp_path, name="tiny") == "Fine"
    assert (server.asked[-1].body["model"], server.asked[-1].body["adapters"]) == ("tiny", str(tmp_path))

    with pytest.raises(AdapterError, match="named"):
        await answer(server, "say Fine", adapter=tmp_path)
    server.refuses["/v1/completions"] = (404, '{"error": "it was made for another base"}')
    with pytest.raises(AdapterError, match="made for another base"):
        await answer(server, "say Fine", adapter=tmp_path, name="tiny")


async def test_an_adapter_that_a_server_would_ignore_is_refused(server: EndpointServer) -> None:
    with pytest.raises(AdapterError, match="no adapter cynic"):
        await answer(server, "say Fine", adapter=ADAPTER, name="tiny")


async def test_it_is_not_asked_how_likely_a_text_is(server: EndpointServer) -> None:
    async with model_of(server) as model:
        assert not model.can.score and model.can.write
        for work in (model.score("x", ["a"]), model.choose("x", ["a"]), model.compare(["x"], "a")):
            with pytest.raises(ModelUnavailable, match="how likely"):
                await work
    assert server.asked == []


async def test_loading_asks_for_the_models(server: EndpointServer) -> None:
    async with model_of(server) as model:
        await soon(model.load())
        assert model.state == ModelState("ready")
        server.refuses["/v1/models"] = (404, "Not Found")
        await soon(model.load())
        server.refuses["/v1/models"] = (401, "")
        with pytest.raises(ModelUnavailable, match="key"):
            await soon(model.load())


async def test_an_identity_is_of_server_model_and_adapter(server: EndpointServer) -> None:
    def identity(address: str, adapter: Path | None = None) -> str:
        return EndpointModel(read_address(address), adapter).identity

    known = [identity(f"http://h{path}", adapter) for path in ("", "#a", ":1") for adapter in (None, ADAPTER)]
    assert len(set(known)) == 6 and identity("http://h/v1") == known[0]


@pytest.mark.parametrize(
    ("text", "url", "model", "is_local"),
    [
        ("http://localhost:8080", "http://localhost:8080/v1", "", True),
        ("http://127.0.0.1:8080/v1/#org/name", "http://127.0.0.1:8080/v1", "org/name", True),
        ("https://[::1]/api/openai#qwen3:8b", "https://[::1]/api/openai", "qwen3:8b", True),
        (" http://studio.lan:1234/v1 ", "http://studio.lan:1234/v1", "", False),
        ("http://127.0.0.1.example.org/v1", "http://127.0.0.1.example.org/v1", "", False),
    ],
)
def test_an_address_is_read(text: str, url: str, model: str, is_local: bool) -> None:
    address = read_address(text)

    assert (address.url, address.model, address.is_local) == (url, model, is_local)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://h/v1",
        "file:///etc/passwd",
        "localhost:8080",
        "http://",
        "http://h:port",
        "http://h\n/v1",
        "http://[",
        "",
        "http://me:sesame@h/v1",
        "http://h/v1?key=sesame",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(BaseModelError) as refused:
        read_address(text)
    assert "sesame" not in str(refused.value)


async def test_what_is_on_this_machine_is_asked_of_no_proxy(
    server: EndpointServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert await answer(server, "say Fine") == "Fine"


async def test_what_a_server_takes_to_load_its_model_does_not_count(server: EndpointServer) -> None:
    async with model_of(server, EndpointOptions(first_piece_s=5), deadline_s=0.3) as model:
        late = asyncio.create_task(model.complete("wait first"))
        await asyncio.sleep(0.5)
        server.release.set()
        assert await soon(late) == "first"
