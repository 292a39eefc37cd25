"""The client against a fake worker: a small script that speaks the protocol and does what the prompt says."""

import asyncio
import contextlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tenny_lsp.errors import AdapterError, BaseModelError, ModelUnavailable, TennyError
from tenny_lsp.model import wire
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.keeper import KeeperOptions
from tenny_lsp.model.prompts import prompt_of
from tenny_lsp.model.protocol import ALL_ABILITIES, Abilities

SCRIPT = r"""
import json, os, signal, sys

mode, starts = sys.argv[1:]
with open(starts, "a") as file:
    print(os.getpid(), file=file)

def send(type, **fields):
    sys.stdout.write(json.dumps({"type": type, **fields}) + "\n")
    sys.stdout.flush()

def end(id, reason="stop"):
    send("done", id=id, finish_reason=reason)

if mode == "hangs at first" and len(open(starts).readlines()) == 1:
    signal.pause()
send("hello", version=99 if mode == "old" else 7)
if mode == "no base":
    send("failure", kind="base", what="no weights", next_step="fetch it")
    sys.exit(1)
if mode == "dies":
    sys.exit("last words")
if mode != "never ready":
    send("ready")
cancelled = []
for line in sys.stdin:
    request = json.loads(line)
    id, prompt = request.get("id"), request.get("prompt", "")
    verb, _, rest = prompt.partition(" ")
    if request["type"] == "cancel":
        cancelled.append(id)
        if mode != "deaf":
            end(id, "cancelled")
    elif verb == "say":
        for word in rest.split():
            send("token", id=id, text=word + " ")
        end(id)
    elif verb == "start":
        send("token", id=id, text="started ")
    elif verb == "cancelled":
        send("token", id=id, text=str(cancelled))
        end(id)
    elif verb == "crash":
        os._exit(3)
    elif verb == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "stuck":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        send("token", id=id, text="stuck")
        signal.pause()
    elif verb == "fail":
        send("failure", id=id, kind=rest, what="it broke", next_step="mend it")
    elif verb == "garbage":
        sys.stdout.write("loading 100%\n[1]\n{\"type\": \"token\"}\n" + "x" * (1 << 21) + "\n")
        send("token", id=12345, text="nobody asked")
        send("token", id=id, text="clean")
        end(id)
    elif verb == "stderr":
        sys.stderr.write("a warning\rof a library\n")
        sys.stderr.flush()
        end(id)
    elif verb != "silence":
        send("token", id=id, text=json.dumps(request))
        end(id)
"""

Make = Callable[..., WorkerModel]


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def make(tmp_path: Path, clock: Clock) -> AsyncIterator[Make]:
    """Makes clients of the fake worker, and closes them."""
    script = tmp_path / "fake_worker.py"
    script.write_text(SCRIPT)
    made = []

    def make(mode: str = "", deadline_s: float = 20.0, can: Abilities = ALL_ABILITIES, **keeping: float) -> WorkerModel:
        options = WorkerOptions(tmp_path, can=can, deadline_s=deadline_s, keeping=KeeperOptions(**keeping))
        command = [sys.executable, "-I", "-S", str(script), mode, str(tmp_path / "starts")]
        made.append(WorkerModel(options, command=command, clock=clock))
        return made[-1]

    yield make
    for model in made:
        await model.close()


def pids(tmp_path: Path) -> list[int]:
    """Returns the process id of each worker that has been started."""
    path = tmp_path / "starts"
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def starts(tmp_path: Path) -> int:
    return len(pids(tmp_path))


async def started(model: WorkerModel) -> "asyncio.Task[str]":
    """Returns a task that awaits an answer which has begun and will not end by itself."""
    begun = asyncio.Event()

    async def read() -> str:
        text = ""
        async with contextlib.aclosing(model.write("start")) as pieces:
            async for piece in pieces:
                text += piece
                begun.set()
        return text

    task = asyncio.create_task(read())
    await begun.wait()
    return task


async def test_writes_piece_by_piece(make: Make) -> None:
    assert [piece async for piece in make().write("say one two")] == ["one ", "two "]


async def test_complete_has_no_white_space_around(make: Make) -> None:
    assert await make().complete("say one two") == "one two"


async def test_starts_one_process_and_only_when_it_is_needed(make: Make, tmp_path: Path) -> None:
    model = make()
    assert starts(tmp_path) == 0
    answers = await asyncio.gather(*(model.complete(f"say {number}") for number in range(20)))
    assert answers == [str(number) for number in range(20)]
    assert starts(tmp_path) == 1


async def test_what_has_begun_to_load_answers_the_first_question(make: Make, tmp_path: Path) -> None:
    model = make()
    model.begin_to_load()
    while model.state.phase != "ready":
        await asyncio.sleep(0.01)
    assert starts(tmp_path) == 1
    model.begin_to_load()
    assert await model.complete("say x") == "x"
    assert starts(tmp_path) == 1


async def test_what_cannot_be_loaded_ahead_is_told_by_the_question(make: Make, tmp_path: Path) -> None:
    model = make("no base")
    model.begin_to_load()
    while model.state.phase != "backing off":
        await asyncio.sleep(0.01)
    with pytest.raises(BaseModelError, match="no weights"):
        await model.complete("say x")
    assert starts(tmp_path) == 1


async def test_loading_ahead_does_not_make_the_pauses_short_again(make: Make, clock: Clock, tmp_path: Path) -> None:
    model = make(backoff_s=1.0, max_crashes=3)
    for _ in range(3):
        clock.now_s += 1000
        model.begin_to_load()
        with pytest.raises(ModelUnavailable):
            await model.complete("crash")
    clock.now_s += 1000
    with pytest.raises(ModelUnavailable, match="3 times in a row"):
        await model.complete("say x")
    assert starts(tmp_path) == 3


async def test_what_is_closed_while_it_is_loaded_ahead_leaves_no_process(make: Make, tmp_path: Path) -> None:
    model = make("never ready")
    model.begin_to_load()
    while not pids(tmp_path):
        await asyncio.sleep(0.01)
    await model.close()
    assert not Path(f"/proc/{pids(tmp_path)[0]}").exists()
    with pytest.raises(ModelUnavailable, match="closed"):
        await model.complete("say x")


async def test_a_request_carries_adapter_limit_and_stop_strings(make: Make, tmp_path: Path) -> None:
    model = make().with_adapter(tmp_path / "cynic")
    request = wire.decode((await model.complete(prompt_of("Why?"), max_tokens=7)).encode())
    assert isinstance(request, wire.Generate)
    assert request.prompt == "Q: Why?\nA:"
    assert (request.max_tokens, request.temperature) == (7, 0.0)
    assert request.adapter == str(tmp_path / "cynic")
    assert request.stop == ("\nQ:",)
    other = wire.decode((await model.complete("import mlx.core as\ud800")).encode())
    assert isinstance(other, wire.Generate)
    assert (other.prompt, other.stop) == ("import mlx.core as?", ())


async def test_a_request_says_how_its_adapter_was_trained_to_be_prompted(make: Make, tmp_path: Path) -> None:
    for name in ("raw", "chat", "opera"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_text(json.dumps({"prompt_format": name}))
    model = make()

    said = [json.loads(await model.with_adapter(tmp_path / name).complete("Why?")) for name in ("chat", "raw")]
    assert [request["is_chat"] for request in said] == [True, False]
    with pytest.raises(AdapterError, match="does not know: 'opera'"):
        await model.with_adapter(tmp_path / "opera").choose("Why?", ["a", "b"])


async def test_a_base_for_chat_is_asked_so_unless_it_has_an_adapter(tmp_path: Path, make: Make) -> None:
    bare = make(can=Abilities(chat=True))

    said = [json.loads(await model.complete("Why?")) for model in (bare, bare.with_adapter(tmp_path))]

    assert [request["is_chat"] for request in said] == [True, False]


async def test_adapters_share_one_process(make: Make, tmp_path: Path) -> None:
    model = make()
    await asyncio.gather(model.complete("say a"), model.with_adapter(tmp_path).complete("say b"))
    assert starts(tmp_path) == 1


async def test_cancelling_the_task_cancels_in_the_worker(make: Make) -> None:
    model = make()
    task = await started(model)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await model.complete("cancelled") == "[1]"


async def test_closing_the_stream_early_cancels_in_the_worker(make: Make) -> None:
    model = make()
    async with contextlib.aclosing(model.write("start")) as pieces:
        assert await anext(pieces) == "started "
    assert await model.complete("cancelled") == "[1]"


async def test_an_answer_that_is_late_is_cancelled_and_the_worker_lives_on(make: Make, tmp_path: Path) -> None:
    model = make(deadline_s=0.5)
    with pytest.raises(ModelUnavailable, match=r"within 0\.5 s"):
        await model.complete("silence")
    assert await model.complete("cancelled") == "[1]"
    assert starts(tmp_path) == 1


async def test_a_worker_that_does_not_confirm_a_cancellation_is_killed(make: Make) -> None:
    model = make("deaf", deadline_s=0.1, silence_s=0.0)
    with pytest.raises(ModelUnavailable, match="did not finish"):
        await model.complete("silence")
    with pytest.raises(ModelUnavailable, match="said nothing"):
        await model.complete("silence")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("adapter", AdapterError), ("base", BaseModelError), ("worker", ModelUnavailable)],
)
async def test_a_failed_request_raises_its_kind(make: Make, kind: str, expected: type[TennyError]) -> None:
    model = make()
    with pytest.raises(expected) as raised:
        await model.complete(f"fail {kind}")
    assert (raised.value.what, raised.value.next_step) == ("it broke", "mend it")
    assert await model.complete("say still here") == "still here"


async def test_a_crash_fails_every_pending_request(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    model = make()
    pending = [await started(model) for _ in range(3)]
    with pytest.raises(ModelUnavailable, match="exit code 3"):
        await model.complete("crash")
    results = await asyncio.gather(*pending, return_exceptions=True)
    assert [type(result) for result in results] == [ModelUnavailable] * 3
    assert "exit code 3" in caplog.text
    assert model.state.phase == "backing off"


async def test_a_worker_that_the_system_kills_is_named_by_its_signal(make: Make) -> None:
    with pytest.raises(ModelUnavailable, match="SIGKILL"):
        await make().complete("killed")


async def test_a_crash_is_followed_by_a_pause_that_doubles(make: Make, clock: Clock, tmp_path: Path) -> None:
    model = make(backoff_s=1.0, max_backoff_s=3.0)
    # The pauses after the first, second, third and fourth crash in a row.
    for pause_s in (1.0, 2.0, 3.0, 3.0):
        with pytest.raises(ModelUnavailable):
            await model.complete("crash")
        before = starts(tmp_path)
        clock.now_s += pause_s - 0.01
        with pytest.raises(ModelUnavailable, match="exit code 3"):
            await model.complete("say x")
        assert starts(tmp_path) == before
        clock.now_s += 0.02
    assert await model.complete("say x") == "x"


async def test_an_answer_makes_the_pauses_short_again(make: Make, clock: Clock) -> None:
    model = make(backoff_s=1.0)
    for _ in range(4):
        with pytest.raises(ModelUnavailable):
            await model.complete("crash")
        clock.now_s += 1.0
        assert await model.complete("say x") == "x"


async def test_after_too_many_crashes_it_is_given_up(make: Make, clock: Clock, tmp_path: Path) -> None:
    model = make("dies", max_crashes=3)
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            await model.complete("say x")
        clock.now_s += 1000
    with pytest.raises(ModelUnavailable, match=r"3 times in a row.*restart the language server"):
        await model.complete("say x")
    assert starts(tmp_path) == 3


async def test_the_last_words_of_a_dead_worker_are_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ModelUnavailable, match="exit code 1"):
        await make("dies").load()
    assert "last words" in caplog.text


async def test_a_base_that_cannot_be_loaded_is_told_to_all_until_the_pause_is_over(
    make: Make, clock: Clock, tmp_path: Path
) -> None:
    model = make("no base", backoff_s=1.0)
    results = await asyncio.gather(*(model.complete("say x") for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["no weights. fetch it"] * 3
    assert {type(result) for result in results} == {BaseModelError}
    with pytest.raises(BaseModelError, match="no weights"):
        await model.complete("say x")
    assert starts(tmp_path) == 1


async def test_a_worker_that_never_loads_is_killed(make: Make) -> None:
    model = make("never ready", load_deadline_s=0.1)
    with pytest.raises(ModelUnavailable, match=r"did not load the model within 0\.1 s"):
        await model.complete("say x")
    assert model.state.phase == "backing off"


async def test_a_worker_that_says_nothing_at_all_is_killed_and_another_one_started(make: Make, tmp_path: Path) -> None:
    model = make("hangs at first", hello_s=0.5, backoff_s=0.0)
    with pytest.raises(ModelUnavailable, match=r"said nothing within 0\.5 s"):
        await model.complete("say x")

    assert await model.complete("say x") == "x"
    assert starts(tmp_path) == 2


async def test_a_worker_of_another_version_is_refused(make: Make) -> None:
    with pytest.raises(ModelUnavailable, match="version 99"):
        await make("old").load()


async def test_an_interpreter_that_does_not_exist_is_unavailable(tmp_path: Path) -> None:
    model = WorkerModel(WorkerOptions(tmp_path, python=str(tmp_path / "python")))
    with pytest.raises(ModelUnavailable, match=str(tmp_path / "python")):
        await model.complete("say x")
    await model.close()


async def test_garbage_on_stdout_is_passed_over(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    assert await make().complete("garbage") == "clean"
    assert "strange" in caplog.text


async def test_what_the_worker_writes_on_stderr_is_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    model = make()
    with caplog.at_level(logging.INFO, logger="tenny_lsp"):
        await model.complete("stderr")
        await model.close()
    assert "a warning" in caplog.text
    assert "of a library" in caplog.text


async def test_an_idle_worker_is_unloaded_and_comes_back(make: Make, tmp_path: Path) -> None:
    model = make(idle_unload_s=0.0)
    assert await model.complete("say x") == "x"
    # The timer is due: one turn of the loop and the process is on its way out.
    while model.state.phase != "idle":
        await asyncio.sleep(0)
    assert await model.complete("say y") == "y"
    first, second = pids(tmp_path)
    assert first != second


async def test_a_worker_that_is_asked_is_not_idle(make: Make) -> None:
    model = make(idle_unload_s=0.0)
    task = await started(model)
    assert await model.complete("say x") == "x"
    for _ in range(10):
        await asyncio.sleep(0)
    assert model.state.phase == "ready"
    task.cancel()
    await asyncio.wait({task})


async def test_close_leaves_no_process_and_no_answer_open(make: Make, tmp_path: Path) -> None:
    model = make()
    task = await started(model)
    (pid,) = pids(tmp_path)
    await model.close()
    with pytest.raises(ModelUnavailable):
        await task
    # A zombie would still take signal 0.
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ModelUnavailable, match="closed"):
        await model.complete("say x")
    await model.close()


async def test_close_kills_a_worker_that_will_not_end(make: Make, tmp_path: Path) -> None:
    model = make(grace_s=0.1)
    async with contextlib.aclosing(model.write("stuck")) as pieces:
        await anext(pieces)
        (pid,) = pids(tmp_path)
        await model.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_command_line_can_stream_with_asyncio_run(tmp_path: Path) -> None:
    script = tmp_path / "fake_worker.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-I", "-S", str(script), "", str(tmp_path / "starts")]

    async def ask() -> list[str]:
        model = WorkerModel(WorkerOptions(tmp_path), command=command)
        try:
            return [piece async for piece in model.write("say a b")]
        finally:
            await model.close()

    assert asyncio.run(ask()) == ["a ", "b "]


def test_the_serving_side_imports_no_model_library() -> None:
    code = (
        "import sys, tenny_lsp.cli, tenny_lsp.lsp.server, tenny_lsp.model.client, tenny_lsp.worker.__main__\n"
        "found = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(found & {'mlx', 'mlx_lm', 'transformers', 'numpy', 'tokenizers', 'huggingface_hub'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


async def test_its_state_is_told_at_each_change(make: Make, clock: Clock) -> None:
    model, seen = make(max_crashes=2, backoff_s=1.0), []
    model.with_adapter(None).watch(lambda: seen.append(model.state.phase))
    assert model.state.phase == "idle"
    await model.load()
    await model.complete("say x")
    assert seen == ["loading", "ready"]
    for _ in range(2):
        clock.now_s += 10
        with pytest.raises(ModelUnavailable):
            await model.complete("crash")
    assert seen == ["loading", "ready", "backing off", "loading", "ready", "failed"]
    assert "2 times in a row" in model.state.reason


async def test_a_worker_that_is_unloaded_is_idle_again(make: Make) -> None:
    model, seen = make(idle_unload_s=0.0), asyncio.Queue[str]()
    model.watch(lambda: seen.put_nowait(model.state.phase))
    await model.complete("say x")
    assert [await seen.get() for _ in range(3)] == ["loading", "ready", "idle"]
