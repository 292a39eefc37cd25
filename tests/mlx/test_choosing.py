"""How likely whole answers are, as they are trained; prompts as messages; a base whose weights are packed."""

import json
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import pytest
from mlx.utils import tree_flatten
from mlx_lm import load
from mlx_lm.utils import load_adapters
from transformers import AutoTokenizer

from tenny_lsp.errors import BaseModelError
from tenny_lsp.learning.encoding import encode_rows
from tenny_lsp.learning.formats import Row
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.train import train
from tenny_lsp.model import wire
from tenny_lsp.model.client import WorkerModel, WorkerOptions
from tenny_lsp.model.prompt_format import chat_text
from tenny_lsp.model.protocol import Abilities
from tenny_lsp.worker.light import PlainTokenizer
from tenny_lsp.worker.threads import BlasThreads
from tenny_lsp.worker.voice import Voice

ANSWERS = (" Element-wise.", " Construct an array of zeros.", "x")
#: ChatML, as SmolLM2's and Qwen's.
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are small.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def never() -> bool:
    return False


@pytest.fixture
def chat_base(tmp_path: Path, make_base: Callable[[Path], Path]) -> Path:
    """A tiny base with a chat template."""
    base = make_base(tmp_path / "chat")
    config = json.loads((base / "tokenizer_config.json").read_text())
    (base / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": TEMPLATE}))
    return base


@pytest.fixture
def packed_base(tmp_path: Path, tiny_base: Path) -> Path:
    """The tiny base in four bits, its embeddings in eight."""
    base = tmp_path / "packed"
    base.mkdir()
    for file in tiny_base.iterdir():
        if file.suffix == ".json":
            (base / file.name).write_bytes(file.read_bytes())
    model, _ = load(str(tiny_base))
    bits = {"embed_tokens": 8}
    nn.quantize(
        model,
        32,
        4,
        class_predicate=lambda name, module: (
            hasattr(module, "to_quantized") and {"group_size": 32, "bits": bits.get(name.rpartition(".")[2], 4)}
        ),
    )
    mx.save_safetensors(str(base / "model.safetensors"), dict(tree_flatten(model.parameters())))
    config = json.loads((base / "config.json").read_text())
    packed = {"group_size": 32, "bits": 4, "model.embed_tokens": {"group_size": 32, "bits": 8}}
    (base / "config.json").write_text(json.dumps(config | {"quantization": packed}))
    return base


def naive(base: Path, prompt: str, answer: str) -> float:
    """Returns an answer's log-probability, read alone; prompt and answer are tokenized apart."""
    model, tokenizer = load(str(base))
    model.set_dtype(mx.float32)
    before = tokenizer.encode(prompt)
    said = [*tokenizer.encode(answer, add_special_tokens=False), tokenizer.eos_token_id]
    log = nn.log_softmax(model(mx.array([before + said]))[0], axis=-1)
    return sum(log[len(before) + place - 1, token].item() for place, token in enumerate(said))


def test_each_answer_counts_as_a_whole_with_its_end(tiny_base: Path) -> None:
    voice, prompt = Voice(tiny_base, "float32"), "Q: What is mx.abs?\nA:"
    expected = [naive(tiny_base, prompt, answer) for answer in ANSWERS]

    for _ in range(2):  # the second time from the cache
        result = voice.choose(wire.Choose(1, prompt, ANSWERS), never)
        assert isinstance(result, wire.ScoreResult)
        assert result.values == pytest.approx(expected, abs=1e-3)


def test_one_answer_after_several_prompts(tiny_base: Path) -> None:
    prompts = ("Q: What is mx.abs?\nA:", "x", "Explain mx.zeros, please.")
    expected = [naive(tiny_base, prompt, ANSWERS[0]) for prompt in prompts]

    result = Voice(tiny_base, "float32").compare(wire.Compare(1, prompts, ANSWERS[0]), never)

    assert isinstance(result, wire.ScoreResult)
    assert result.values == pytest.approx(expected, abs=1e-3)


def test_what_is_cancelled_is_not_computed(tiny_base: Path) -> None:
    voice = Voice(tiny_base, "float32")
    assert voice.choose(wire.Choose(1, "x", ANSWERS), lambda: True) == wire.Done(1, "cancelled")
    assert voice.compare(wire.Compare(2, ("x",), "y"), lambda: True) == wire.Done(2, "cancelled")


def test_a_message_is_asked_in_the_chat_template(chat_base: Path) -> None:
    voice = Voice(chat_base, "float32")
    text = "<|im_start|>system\nYou are small.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"

    chat = voice.choose(wire.Choose(1, "Hello", ANSWERS, is_chat=True), never)
    assert isinstance(chat, wire.ScoreResult)
    # In a conversation no space stands before an answer, neither here nor in training.
    assert chat.values == pytest.approx([naive(chat_base, text, answer.strip()) for answer in ANSWERS], abs=1e-3)
    assert chat.values != pytest.approx([naive(chat_base, text, answer) for answer in ANSWERS], abs=1e-3)
    compared = voice.compare(wire.Compare(2, ("Hello",), ANSWERS[0], is_chat=True), never)
    assert isinstance(compared, wire.ScoreResult)
    assert compared.values == pytest.approx(chat.values[:1], abs=1e-3)


def test_the_plain_tokenizers_template_is_transformers(chat_base: Path) -> None:
    messages = [{"role": "user", "content": "Hello\n {{ x }}"}, {"role": "assistant", "content": "Hi."}]
    plain, whole = PlainTokenizer(chat_base), AutoTokenizer.from_pretrained(chat_base)

    for options in ({"add_generation_prompt": True}, {}):
        assert plain.apply_chat_template(messages, tokenize=False, **options) == whole.apply_chat_template(
            messages, tokenize=False, **options
        )


@pytest.mark.parametrize(
    "template",
    [
        "{% if enable_thinking is defined and enable_thinking is false %}quick{% else %}slow{% endif %}",
        "{% if tools is not none %}tools{% endif %}{% if documents %}documents{% endif %}{{ eos_token }}",
        "{% for message in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ message.content }}{% endfor %}",
        "  {% if true %}\n  {{ bos_token }}x\n  {% endif %}\n",
    ],
    ids=["thinking", "tools", "break", "blanks"],
)
def test_a_template_is_given_what_transformers_gives_it(template: str, chat_base: Path) -> None:
    """Or the worker, which starts without transformers, would ask otherwise than the training did."""
    config = json.loads((chat_base / "tokenizer_config.json").read_text())
    (chat_base / "tokenizer_config.json").write_text(json.dumps(config | {"chat_template": template}))

    plain, whole = PlainTokenizer(chat_base), AutoTokenizer.from_pretrained(chat_base)

    assert chat_text(plain, "Hello") == chat_text(whole, "Hello")


async def test_a_worker_chats_as_a_voice_does(chat_base: Path) -> None:
    """The worker has the plain tokenizer, this process transformers'."""
    model = WorkerModel(WorkerOptions(chat_base, can=Abilities(chat=True)))
    said: list[wire.Event] = []
    Voice(chat_base, "float32").answer(wire.Generate(1, "Hello", 12, is_chat=True), never, said.append)
    try:
        answer = await model.complete("Hello", max_tokens=12)
        raw = "".join([piece async for piece in model.write("Hello", max_tokens=12)])
    finally:
        await model.close()

    assert answer == "".join(event.text for event in said if isinstance(event, wire.Token)).strip()
    assert answer != raw.strip()


def test_chat_rows_are_the_template_the_answer_and_its_end(chat_base: Path, tiny_base: Path) -> None:
    row, whole = Row("Q: What?\nA:", " That."), AutoTokenizer.from_pretrained(chat_base)
    (found,) = encode_rows([row], whole, max_seq_length=512, prompt_format="chat")

    template = whole.apply_chat_template(
        [{"role": "user", "content": row.prompt}], tokenize=False, add_generation_prompt=True
    )
    prompt = whole.encode(template, add_special_tokens=False)
    answer = whole.encode("That.", add_special_tokens=False)
    assert (found.tokens, found.start) == ((*prompt, *answer, whole.eos_token_id), len(prompt))
    with pytest.raises(BaseModelError, match="has no chat template"):
        encode_rows([row], AutoTokenizer.from_pretrained(tiny_base), max_seq_length=512, prompt_format="chat")


def test_an_adapter_remembers_how_it_was_prompted(chat_base: Path, rows: Path, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    train(TrainOptions(rows, folder, str(chat_base), iters=1, prompt_format="chat"), lambda progress: None)

    assert json.loads((folder / "card.json").read_text())["prompt_format"] == "chat"


def test_a_packed_base_is_served_and_trained_in_float32(packed_base: Path, rows: Path, tmp_path: Path) -> None:
    expected, _ = load(str(packed_base))
    voice, tokens = Voice(packed_base, "float32"), mx.array([[5, 6, 7, 8]])
    names = {type(module).__name__ for _, module in voice._model.named_modules()}
    assert {"Linear", "Embedding"} <= names and not any(name.startswith("Quantized") for name in names)
    assert mx.allclose(voice._model(tokens), expected(tokens).astype(mx.float32), atol=2e-2)

    folder = tmp_path / "adapter"
    train(TrainOptions(rows, folder, str(packed_base), iters=2), lambda progress: None)
    load_adapters(expected, str(folder))  # and it fits the packed base as it is
    assert mx.isfinite(expected(tokens)).all().item()


class TestThreads:
    """How many threads OpenBLAS may use."""

    def threads(self, seconds: dict[int, float]) -> tuple[BlasThreads, list[int], Callable[[float], None]]:
        counts: list[int] = []
        now = [0.0]

        def clock() -> float:
            now[0] += seconds[counts[-1]] if counts else 0.0
            return now[0]

        def wait(time_s: float) -> None:
            now[0] += time_s

        return BlasThreads(counts.append, 2, clock), counts, wait

    @pytest.mark.parametrize(("seconds", "best"), [({1: 2e-4, 2: 1e-4}, 2), ({1: 2e-4, 2: 5e-3}, 1)])
    def test_as_many_as_are_fastest(self, seconds: dict[int, float], best: int) -> None:
        threads, counts, _ = self.threads(seconds)
        threads.adapt()
        assert counts == [1, 2, best]

    def test_threads_that_wait_for_each_other_are_not_waited_for(self) -> None:
        threads, counts, _ = self.threads({1: 2e-4, 2: 0.04})
        threads.adapt()
        assert counts[-1] == 1 and threads._clock() < 0.1  # one product on two threads, not ten

    def test_a_choice_holds_for_half_a_second(self) -> None:
        threads, counts, wait = self.threads({1: 2e-4, 2: 1e-4})
        threads.adapt()
        threads.adapt()
        assert len(counts) == 3
        wait(0.6)
        threads.adapt()
        assert len(counts) == 6

    def test_without_openblas_nothing_is_measured(self) -> None:
        BlasThreads(None, 1).adapt()
        BlasThreads(None, 1).use_one()
