import json
import random
from pathlib import Path

import numpy as np
import pytest

from tenny_lsp.errors import BaseModelError, DatasetError
from tenny_lsp.learning.batches import TokenizedRow, collate, epoch, epochs
from tenny_lsp.learning.encoding import encode_rows
from tenny_lsp.learning.formats import Row, read_rows

END = 0


class Letters:
    """A tokenizer of one token a character; ``bos`` and ``eos`` are added to whole texts, as some do."""

    def __init__(self, bos: list[int] | None = None, eos: list[int] | None = None, end: int | None = END) -> None:
        self.eos_token_id = end
        self._bos, self._eos = bos or [], eos or []

    def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        ids = [ord(letter) for letter in text]
        return [*self._bos, *ids, *self._eos] if add_special_tokens else ids


def ids(text: str) -> tuple[int, ...]:
    return tuple(ord(letter) for letter in text)


def encode(row: Row, tokenizer: Letters | None = None, longest: int = 64, **options: bool) -> TokenizedRow:
    return encode_rows([row], tokenizer or Letters(), max_seq_length=longest, **options)[0]


def write(folder: Path, text: str) -> Path:
    file = folder / "train.jsonl"
    file.write_text(text, encoding="utf-8")
    return file


def realistic(count: int, seed: int) -> list[TokenizedRow]:
    """Examples as long as docstring rows are: about 12 tokens of question, 5 to 90 of answer."""
    numbers = random.Random(seed)
    lengths = [(numbers.randint(8, 16), min(90, 5 + int(numbers.expovariate(1 / 22)))) for _ in range(count)]
    return [TokenizedRow(tuple(range(1, prompt + answer + 1)), prompt) for prompt, answer in lengths]


def test_rows_are_read(tmp_path: Path) -> None:
    lines = [
        {"prompt": "Q: What is abs?\nA:", "completion": " Absolute value.\u2028", "source": "mlx.core.abs"},
        {"text": "Q: What is exp?\nA: Exponential.\nA: twice"},
        {"text": "no question here"},
    ]
    file = write(tmp_path, "\n\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n")
    assert read_rows(file) == [
        Row("Q: What is abs?\nA:", " Absolute value.\u2028", source="mlx.core.abs"),
        Row("Q: What is exp?\nA:", " Exponential.\nA: twice"),
        Row("", "no question here"),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{'prompt': 1}", "not JSON"),
        ('["prompt"]', "not an object"),
        ('{"prompt": "Q"}', "no text under completion"),
        ('{"completion": 3}', "no text under prompt and completion"),
        ('{"prompt": "Q: a\\nA:", "completion": " \\n "}', "completion is empty"),
        ('{"text": "Q: a\\nA:"}', "completion is empty"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(tmp_path: Path, line: str, reason: str) -> None:
    file = write(tmp_path, f'{{"prompt": "a", "completion": "b"}}\n\n{line}\n')
    with pytest.raises(DatasetError, match=reason) as caught:
        read_rows(file)
    assert f"{file}, line 3" in str(caught.value)


def test_missing_empty_and_undecodable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"nowhere/train\.jsonl does not exist"):
        read_rows(tmp_path / "nowhere" / "train.jsonl")
    with pytest.raises(DatasetError, match=r"train\.jsonl holds no rows"):
        read_rows(write(tmp_path, "\n  \n"))
    (tmp_path / "train.jsonl").write_bytes(b'{"text": "\xff"}')
    with pytest.raises(DatasetError, match=r"train\.jsonl, line 1 is not UTF-8"):
        read_rows(tmp_path / "train.jsonl")


def test_the_loss_begins_with_the_completion_and_ends_with_its_end() -> None:
    example = encode(Row("Q:", " hi"))
    assert example == TokenizedRow((*ids("Q: hi"), END), 2)
    batch = collate([example])
    learned = [
        (batch.inputs.reshape(-1)[place], target) for place, target in zip(batch.positions, batch.targets, strict=True)
    ]
    counted = [pair for pair, weight in zip(learned, batch.weights, strict=True) if weight]
    assert counted == [(ord(":"), ord(" ")), (ord(" "), ord("h")), (ord("h"), ord("i")), (ord("i"), END)]


def test_special_tokens_stay_where_they_belong() -> None:
    example = encode(Row("Q:", " hi"), Letters(bos=[7], eos=[END]))
    assert example == TokenizedRow((7, *ids("Q: hi"), END), 3)


def test_a_prompt_that_rows_share_is_encoded_once() -> None:
    encoded: list[str] = []

    class Counting(Letters):
        def encode(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
            encoded.append(text)
            return super().encode(text, add_special_tokens=add_special_tokens)

    rows = [Row("What?", answer) for answer in ("This.", "That.", "These.")]
    found = encode_rows(rows, Counting(eos=[END]), max_seq_length=64)

    assert encoded.count("What?") == 1
    assert [row.tokens for row in found] == [encode(row, Letters(eos=[END])).tokens for row in rows]


def test_prompts_are_learned_too_when_asked() -> None:
    assert encode(Row("Q:", " hi"), mask_prompt=False).start == 1
    assert encode(Row("", "hi")).start == 1


def test_a_tokenizer_without_an_end_is_refused() -> None:
    with pytest.raises(BaseModelError, match="end-of-sequence"):
        encode(Row("Q:", " hi"), Letters(end=None))


@pytest.mark.parametrize("prompt_length", [0, 3, 7, 8, 9, 40])
@pytest.mark.parametrize("completion_length", [1, 7, 8, 9, 40])
def test_long_rows_are_cut_but_never_to_nothing(prompt_length: int, completion_length: int) -> None:
    example = encode(Row("p" * prompt_length, "c" * completion_length), longest=8)
    learned = example.tokens[example.start :]
    assert len(example.tokens) == min(8, prompt_length + completion_length + 1)
    assert learned
    assert ord("p") not in learned


def test_cut_rows_are_counted_in_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    encode_rows([Row("Q:", "long " * 9), Row("Q:", " hi")], Letters(), max_seq_length=16)
    assert "1 of 2 rows are longer than 16 tokens" in caplog.text


@pytest.mark.parametrize("count", [1, 15, 16, 17, 500])
@pytest.mark.parametrize("pad_to", [1, 8])
def test_an_epoch_has_every_row_once(count: int, pad_to: int) -> None:
    examples = [TokenizedRow((*range(1, 5 + number % 40), 1000 + number), 3) for number in range(count)]
    batches = list(epoch(examples, 16, seed=1, pad_to=pad_to))
    last_tokens = [target for batch in batches for target in batch.targets if target >= 1000]
    assert sorted(last_tokens) == [1000 + number for number in range(count)]
    assert sum(batch.token_count for batch in batches) == sum(len(example.tokens) for example in examples)
    assert all(batch.inputs.shape[1] % pad_to == 0 and len(batch.positions) % pad_to == 0 for batch in batches)
    assert all(batch.weights.sum() > 0 for batch in batches)


def test_less_than_a_tenth_is_padding() -> None:
    batches = list(epoch(realistic(2000, seed=0), 16, seed=0))
    places = sum(batch.inputs.size for batch in batches)
    filled = sum(batch.token_count - len(batch.inputs) for batch in batches)
    assert 1 - filled / places < 0.1


def test_the_order_is_the_seeds_and_changes_with_the_epoch() -> None:
    examples = realistic(200, seed=0)

    def first_epochs(seed: int, number: int) -> list[list[int]]:
        stream = epochs(examples, 16, seed=seed, pad_to=8)
        return [[next(stream)[1].token_count for _ in range(13)] for _ in range(number)]

    once, again = first_epochs(3, 2)
    assert [once, again] == first_epochs(3, 2)
    assert once != again
    assert sum(once) == sum(again)
    assert first_epochs(4, 1) != [once]


def test_padding_is_never_learned() -> None:
    batch = collate([TokenizedRow((5, 6, 7), 1), TokenizedRow(tuple(range(1, 13)), 4)])
    rows, columns = np.divmod(batch.positions[batch.weights > 0], batch.inputs.shape[1])
    assert batch.inputs.shape == (2, 16)
    assert set(zip(rows.tolist(), columns.tolist(), strict=True)) == {(0, 0), (0, 1)} | {(1, n) for n in range(3, 11)}
    assert batch.targets[batch.weights > 0].tolist() == [6, 7, *range(5, 13)]
