"""The real worker with a tiny random Llama whose vocabulary is the 256 bytes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.model import wire
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.identity import base_sha256
from tenny_lsp.model.runtime import prepare

prepare()

import mlx.core as mx  # noqa: E402
import mlx_lm  # noqa: E402
from mlx.utils import tree_flatten  # noqa: E402
from mlx_lm.models.llama import Model, ModelArgs  # noqa: E402
from mlx_lm.tuner.utils import linear_to_lora_layers  # noqa: E402

PROMPT = "Q: What is ReLU in mlx?\nA:"
EOS = 257


def write_base(folder: Path, seed: int = 0) -> Path:
    """Writes a Llama of 60 thousand random weights with a byte-level tokenizer."""
    folder.mkdir(parents=True)
    vocabulary = {f"<0x{byte:02X}>": byte for byte in range(256)} | {"<unk>": 256, "</s>": EOS}
    tokenizer = {
        "version": "1.0",
        "added_tokens": [
            {"id": EOS, "content": "</s>", "special": True, "single_word": False}
            | {"lstrip": False, "rstrip": False, "normalized": False}
        ],
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [], "byte_fallback": True}
        | {"unk_token": "<unk>", "fuse_unk": False},
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
    }
    config = {"model_type": "llama", "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 64}
    config |= {"num_attention_heads": 2, "rms_norm_eps": 1e-5, "vocab_size": 258, "eos_token_id": EOS}
    config |= {"tie_word_embeddings": False}
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "TokenizersBackend", "eos_token": "</s>"})
    )
    (folder / "config.json").write_text(json.dumps(config))
    mx.random.seed(seed)
    model = Model(ModelArgs.from_dict(config))
    # Twice the usual size: a random model with small weights repeats one byte for ever.
    weights = {name: 2 * array for name, array in tree_flatten(model.parameters())}
    mx.save_safetensors(str(folder / "model.safetensors"), weights)
    return folder


def write_adapter(folder: Path, base: Path, card: dict[str, Any] | None = None) -> Path:
    """Writes a random rank-2 LoRA adapter, as mlx-lm does."""
    folder.mkdir()
    lora = {"num_layers": 2, "lora_parameters": {"rank": 2, "scale": 8.0, "dropout": 0.3}}
    (folder / "adapter_config.json").write_text(json.dumps({"fine_tune_type": "lora", **lora}))
    model, _ = mlx_lm.load(str(base))
    model.freeze()
    linear_to_lora_layers(model, 2, lora["lora_parameters"])
    mx.random.seed(1)
    weights = {name: mx.random.normal(array.shape) for name, array in tree_flatten(model.trainable_parameters())}
    mx.save_safetensors(str(folder / "adapters.safetensors"), weights)
    if card is not None:
        (folder / "card.json").write_text(json.dumps(card))
    return folder


@dataclass
class RawWorker:
    """A worker without a client: lines in, lines out."""

    process: "subprocess.Popen[bytes]"
    seen: list[wire.Event] = field(default_factory=list)

    def send(self, request: wire.Request) -> None:
        self.process.stdin.write(wire.encode(request))
        self.process.stdin.flush()

    def until(self, wanted: type) -> Any:
        """Returns the next event of a type."""
        for line in self.process.stdout:
            self.seen.append(wire.decode(line))
            if isinstance(self.seen[-1], wanted):
                return self.seen[-1]
            assert wanted is not wire.Failure or not isinstance(self.seen[-1], wire.Done), self.seen
        raise EOFError(f"no {wanted.__name__}: {self.seen}")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def adapter(base: Path) -> Path:
    return write_adapter(base.parent / "adapter", base, {"base": {"sha256": base_sha256(base)}})


def start(base: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tenny_lsp.worker", "--model", str(base)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.fixture(scope="module")
def worker(base: Path) -> Iterator[RawWorker]:
    """One worker for all tests that leave it as they found it."""
    process = start(base)
    with process:
        worker = RawWorker(process)
        yield worker
        process.stdin.close()
        assert process.wait(10) == 0


def text_of(worker: RawWorker, request: wire.Generate) -> tuple[str, wire.Done]:
    worker.seen.clear()
    worker.send(request)
    done = worker.until(wire.Done)
    return "".join(event.text for event in worker.seen if isinstance(event, wire.Token)), done


def expected_text(base: Path, prompt: str, max_tokens: int, adapter: Path | None = None) -> str:
    model, tokenizer = mlx_lm.load(str(base), adapter_path=str(adapter) if adapter else None)
    return mlx_lm.generate(model, tokenizer, prompt, max_tokens=max_tokens).rstrip("\ufffd")


def test_says_hello_at_once_and_ready_when_the_base_is_loaded(worker: RawWorker) -> None:
    assert worker.until(wire.Hello) == wire.Hello(wire.VERSION)
    worker.until(wire.Ready)


def test_greedy_text_is_that_of_mlx_lm(worker: RawWorker, base: Path) -> None:
    text, done = text_of(worker, wire.Generate(1, PROMPT, 40))
    assert text == expected_text(base, PROMPT, 40)
    assert done == wire.Done(1, "length")


def test_each_request_speaks_through_its_own_adapter(worker: RawWorker, base: Path, adapter: Path) -> None:
    bare = expected_text(base, PROMPT, 24)
    adapted = expected_text(base, PROMPT, 24, adapter)
    assert bare != adapted
    for number, folder in enumerate((adapter, None, adapter), start=10):
        request = wire.Generate(number, PROMPT, 24, adapter=str(folder) if folder else None)
        assert text_of(worker, request)[0] == (adapted if folder else bare)


def test_an_adapter_retrained_in_place_is_read_anew(worker: RawWorker, base: Path, tmp_path: Path) -> None:
    folder = write_adapter(tmp_path / "adapter", base)
    request = wire.Generate(15, PROMPT, 24, adapter=str(folder))
    before = text_of(worker, request)[0]
    weights = mx.load(str(folder / "adapters.safetensors"))
    mx.eval(weights)
    zeros = {name: mx.zeros_like(array) for name, array in weights.items()}
    mx.save_safetensors(str(folder / "adapters.safetensors"), zeros)
    assert text_of(worker, request)[0] == expected_text(base, PROMPT, 24) != before


def test_the_same_seed_draws_the_same_text(worker: RawWorker) -> None:
    first, second, other = (
        text_of(worker, wire.Generate(20 + number, PROMPT, 30, temperature=1.0, seed=seed))[0]
        for number, seed in enumerate((3, 3, 4))
    )
    assert first == second != other


def test_no_token_event_holds_half_a_character(base: Path, tmp_path: Path) -> None:
    """A model made to say the four bytes of one character again and again, one byte a token."""
    folder = write_base(tmp_path / "crab")
    weights = mx.load(str(folder / "model.safetensors"))
    mx.eval(weights)
    crab = "🦀".encode()
    # Hidden state = one-hot of the current byte; the head maps each byte to the next. Attention and MLP: 0.
    table, head = mx.zeros((258, 32)), mx.zeros((258, 32))
    for place, byte in enumerate(crab):
        table[byte, place] = 1.0
        head[crab[(place + 1) % 4], place] = 1.0
    zeros = {name: mx.zeros_like(array) for name, array in weights.items() if "norm" not in name}
    ones = {name: mx.ones_like(array) for name, array in weights.items() if "norm" in name}
    changed = zeros | ones | {"model.embed_tokens.weight": table, "lm_head.weight": head}
    mx.save_safetensors(str(folder / "model.safetensors"), changed)
    with start(folder) as process:
        worker = RawWorker(process)
        worker.until(wire.Ready)
        text, _ = text_of(worker, wire.Generate(1, "🦀", 10))
        process.stdin.close()
    assert text == "🦀🦀"
    assert [event.text for event in worker.seen if isinstance(event, wire.Token)] == ["🦀", "🦀"]


def test_a_stop_string_ends_the_answer_before_it(worker: RawWorker, base: Path) -> None:
    whole = expected_text(base, PROMPT, 40)
    stop = whole[10:13]
    text, done = text_of(worker, wire.Generate(30, PROMPT, 40, stop=(stop, "never said")))
    assert text == whole[: whole.index(stop)]
    assert done.finish_reason == "stop"


def test_cancelled_while_decoding(worker: RawWorker) -> None:
    worker.send(wire.Generate(40, PROMPT, 100_000))
    worker.until(wire.Token)
    worker.send(wire.Cancel(40))
    assert worker.until(wire.Done) == wire.Done(40, "cancelled")


def test_cancelled_while_reading_the_prompt(worker: RawWorker) -> None:
    worker.send(wire.Generate(50, "x" * 60_000, 10))
    worker.send(wire.Cancel(50))
    assert worker.until(wire.Done) == wire.Done(50, "cancelled")
    assert text_of(worker, wire.Generate(51, PROMPT, 5))[1].finish_reason == "length"


def test_cancelled_while_waiting_behind_another(worker: RawWorker) -> None:
    worker.send(wire.Generate(60, PROMPT, 100_000))
    worker.send(wire.Generate(61, PROMPT, 100_000))
    worker.until(wire.Token)
    worker.send(wire.Cancel(61))
    worker.send(wire.Cancel(60))
    # What has not begun need not wait for its turn to end.
    assert [worker.until(wire.Done).id for _ in range(2)] == [61, 60]
    assert not [event for event in worker.seen if isinstance(event, wire.Token) and event.id == 61]


def test_a_prompt_that_cannot_be_answered_fails_alone(worker: RawWorker) -> None:
    worker.send(wire.Generate(70, "", 5))
    failure = worker.until(wire.Failure)
    assert (failure.id, failure.kind) == (70, "worker")
    assert text_of(worker, wire.Generate(71, PROMPT, 5))[1] == wire.Done(71, "length")


def test_lines_that_are_no_requests_are_passed_over(worker: RawWorker) -> None:
    worker.process.stdin.write(b'nonsense\n{"type":"generate"}\n[]\n')
    assert text_of(worker, wire.Generate(75, PROMPT, 5))[1] == wire.Done(75, "length")


@pytest.mark.parametrize("damage", ["missing", "config", "truncated", "nan", "other base", "other shape"])
def test_a_broken_adapter_is_refused_and_the_base_still_speaks(
    worker: RawWorker, base: Path, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "adapter"
    if damage != "missing":
        card = {"base": {"sha256": "0" * 64}} if damage == "other base" else None
        write_adapter(folder, base, card)
    weights_file = folder / "adapters.safetensors"
    if damage == "config":
        (folder / "adapter_config.json").write_text("{")
    if damage == "truncated":
        weights_file.write_bytes(weights_file.read_bytes()[:-100])
    if damage in ("nan", "other shape"):
        weights = mx.load(str(weights_file))
        mx.eval(weights)
        broken = {"nan": lambda array: array * float("nan"), "other shape": lambda array: array[:1]}[damage]
        mx.save_safetensors(str(weights_file), {name: broken(array) for name, array in weights.items()})
    worker.send(wire.Generate(80, PROMPT, 5, adapter=str(folder)))
    failure = worker.until(wire.Failure)
    assert (failure.id, failure.kind) == (80, "adapter")
    assert str(folder) in failure.what
    assert failure.next_step
    assert text_of(worker, wire.Generate(81, PROMPT, 12))[0] == expected_text(base, PROMPT, 12)


def test_ends_at_once_when_stdin_ends_even_in_the_middle_of_an_answer(base: Path) -> None:
    with start(base) as process:
        worker = RawWorker(process)
        worker.send(wire.Generate(1, PROMPT, 1_000_000))
        worker.until(wire.Token)
        process.stdin.close()
        for _ in process.stdout:
            pass
        assert process.wait(5) == 0


def test_a_base_without_weights_ends_the_worker_with_a_reason(base: Path, tmp_path: Path) -> None:
    folder = write_base(tmp_path / "bare")
    (folder / "model.safetensors").unlink()
    with start(folder) as process:
        worker = RawWorker(process)
        failure = worker.until(wire.Failure)
        assert (failure.kind, failure.id) == ("base", None)
        assert str(folder) in failure.what
        assert process.wait(10) == 1


async def test_through_the_client(base: Path, adapter: Path, tmp_path: Path) -> None:
    """The whole way: adapters by name, errors as exceptions."""
    bare = WorkerModel(WorkerOptions(base))
    adapted = bare.with_adapter(adapter)
    try:
        assert await adapted.complete(PROMPT, max_tokens=12) == expected_text(base, PROMPT, 12, adapter).strip()
        assert await bare.complete(PROMPT, max_tokens=12) == expected_text(base, PROMPT, 12).strip()
        with pytest.raises(AdapterError):
            await bare.with_adapter(tmp_path / "none").complete(PROMPT)
        assert len({bare.identity, adapted.identity}) == 2
    finally:
        await bare.close()


async def test_a_broken_base_is_an_error_of_the_base(base: Path, tmp_path: Path) -> None:
    folder = write_base(tmp_path / "broken")
    (folder / "model.safetensors").write_bytes(b"\0" * 100)
    model = WorkerModel(WorkerOptions(folder))
    try:
        with pytest.raises(BaseModelError, match="broken"):
            await model.load()
    finally:
        await model.close()
