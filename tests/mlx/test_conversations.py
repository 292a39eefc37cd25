"""Conversations as rows: what a chat template makes of them, and which tokens are learned."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from tenny_lsp.errors import BaseModelError, DatasetError
from tenny_lsp.learning.batches import TokenizedRow, collate
from tenny_lsp.learning.conversations import encode_conversation, shortened
from tenny_lsp.learning.encoding import encode_rows
from tenny_lsp.learning.formats import Conversation, read_rows, read_sources
from tenny_lsp.learning.options import TrainOptions
from tenny_lsp.learning.train import train

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: Earlier answers lose their thoughts, so that no prefix of the whole is what the template gave before.
FORGETFUL = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content if loop.last else m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
#: The last answer, and no earlier one, has a thought, be it an empty one: so does Qwen3's.
THINKING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' and loop.last %}<think>\n\n</think>\n\n{% endif %}"
    "{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
GEMMA = (
    "<bos>{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n"
    "{{ m.content }}<end_of_turn>\n{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
TOOLS = (
    "{% if tools %}{{ tools | tojson }}\n{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% for call in m.tool_calls or [] %}{{ call.function.arguments | tojson }}{% endfor %}"
    "{{ m.content or '' }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TURNS = (
    {"role": "user", "content": "What is mx.abs?"},
    {"role": "assistant", "content": "A function."},
    {"role": "user", "content": "And mx.exp?"},
    {"role": "assistant", "content": "Another."},
)


def tokenizer(base: Path, template: str, end: str = "<|im_end|>") -> Any:
    found = AutoTokenizer.from_pretrained(base)
    marks = ["<|im_start|>", "<|im_end|>", "<bos>", "<start_of_turn>", "<end_of_turn>"]
    found.add_special_tokens({"additional_special_tokens": marks, "eos_token": end})
    found.chat_template = template
    return found


def learned(row: TokenizedRow, tokens: Any) -> list[str]:
    return [tokens.decode(list(row.tokens[start:end])) for start, end in row.learned]


def test_every_answer_is_learned_with_the_end_of_its_turn(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, CHATML)
    row = encode_conversation(Conversation(TURNS), tokens, "all")

    assert learned(row, tokens) == ["A function.<|im_end|>", "Another.<|im_end|>"]
    assert tokens.decode(list(row.tokens)).startswith(
        "<|im_start|>user\nWhat is mx.abs?<|im_end|>\n<|im_start|>assistant"
    )
    assert row.tokens == tuple(tokens.apply_chat_template(list(TURNS), return_dict=False))


def test_or_the_last_alone(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, CHATML)
    assert learned(encode_conversation(Conversation(TURNS), tokens, "last"), tokens) == ["Another.<|im_end|>"]


def test_a_batch_learns_what_the_spans_say(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, CHATML)
    row = encode_conversation(Conversation(TURNS), tokens, "all")
    batch = collate([row, TokenizedRow((1, 2, 3), 2)])

    targets = [target for target, weight in zip(batch.targets.tolist(), batch.weights, strict=True) if weight]
    assert tokens.decode(targets[:-1]) == "A function.<|im_end|>Another.<|im_end|>" and targets[-1] == 3


def test_a_template_that_is_no_prefix_of_the_whole_still_learns_its_answers(tiny_base: Path) -> None:
    thinking = (TURNS[0], {"role": "assistant", "content": "<think>hm</think>A function."}, *TURNS[2:])
    tokens = tokenizer(tiny_base, FORGETFUL)

    assert learned(encode_conversation(Conversation(thinking), tokens, "all"), tokens)[-1] == "Another.<|im_end|>"


def test_earlier_answers_are_learned_where_only_the_last_one_thinks(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, THINKING)
    row = encode_conversation(Conversation(TURNS), tokens, "all")

    assert learned(row, tokens) == ["A function.<|im_end|>", "<think>\n\n</think>\n\nAnother.<|im_end|>"]


def test_a_greeting_answers_nothing(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, CHATML)
    greeted = Conversation(({"role": "assistant", "content": "Hello."}, *TURNS[:2]))

    assert learned(encode_conversation(greeted, tokens, "all"), tokens) == ["A function.<|im_end|>"]


def test_the_first_token_comes_once_and_gemmas_turn_end_is_learned(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, GEMMA, end="<end_of_turn>")
    row = encode_conversation(Conversation(TURNS), tokens, "all")

    assert list(row.tokens).count(tokens.convert_tokens_to_ids("<bos>")) == 1
    assert learned(row, tokens) == ["A function.<end_of_turn>", "Another.<end_of_turn>"]


def test_the_arguments_of_tools_are_not_quoted_twice(tiny_base: Path) -> None:
    call = {"type": "function", "function": {"name": "sum", "arguments": '{"axis": 1}'}}
    messages = (TURNS[0], {"role": "assistant", "content": "", "tool_calls": [call]})
    tokens = tokenizer(tiny_base, TOOLS)
    row = encode_conversation(Conversation(messages, ({"name": "sum"},)), tokens, "all")

    assert learned(row, tokens) == ['{"axis": 1}<|im_end|>']
    assert tokens.decode(list(row.tokens)).startswith('[{"name": "sum"}]\n')


def test_a_long_conversation_keeps_its_last_answer(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, CHATML)
    row = shortened(encode_conversation(Conversation(TURNS), tokens, "all"), 24)

    assert len(row.tokens) == 24 and learned(row, tokens) == ["Another.<|im_end|>"]


def test_what_comes_after_the_last_answer_goes_first(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, CHATML)
    asked = Conversation((*TURNS[:2], {"role": "user", "content": "And what is mx.exp in mlx, please? " * 5}))
    row = shortened(encode_conversation(asked, tokens, "all"), 24)

    assert learned(row, tokens) == ["A function.<|im_end|>"] and len(row.tokens) <= 24


def test_without_a_mask_all_of_a_conversation_is_learned(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, CHATML)
    [row] = encode_rows([Conversation(TURNS)], tokens, max_seq_length=2048, mask_prompt=False)

    assert row.learned == ((1, len(row.tokens)),)


def test_a_conversation_that_the_template_refuses_is_named_by_its_line(tiny_base: Path) -> None:
    tokens = tokenizer(tiny_base, "{{ raise_exception('roles must alternate') }}")
    with pytest.raises(BaseModelError, match=r"of train\.jsonl, line 7: roles must alternate"):
        encode_conversation(Conversation(TURNS, place="train.jsonl, line 7"), tokens, "all")


@pytest.mark.parametrize(
    "line",
    [
        r'{"prompt": "a", "completion": "\ud800"}',
        r'{"messages": [{"role": "user", "content": "\ud83d"}, {"role": "assistant", "content": "b"}]}',
    ],
)
def test_half_of_a_character_is_named_by_its_line(line: str, tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(r'{"prompt": "\ud83d\ude00", "completion": "smile"}' + f"\n{line}\n")
    with pytest.raises(DatasetError, match="line 2 holds half of a surrogate pair"):
        read_rows(file)


def test_a_base_without_a_template_says_so(tiny_base: Path) -> None:
    with pytest.raises(BaseModelError, match="chat template does not take the conversation"):
        encode_conversation(Conversation(TURNS), AutoTokenizer.from_pretrained(tiny_base), "all")


def test_a_conversation_of_which_nothing_is_learned_names_its_line(tiny_base: Path) -> None:
    silent = "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}"
    with pytest.raises(DatasetError, match=r"train\.jsonl, line 7"):
        encode_conversation(Conversation(TURNS, place="train.jsonl, line 7"), tokenizer(tiny_base, silent), "all")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"messages": "hello"}, "messages that are no list"),
        ({"messages": [{"content": "hi"}]}, "a message without a role"),
        ({"messages": [{"role": "user", "content": "hi"}]}, "no message is the assistant's"),
    ],
)
def test_a_wrong_conversation_is_named_by_file_and_line(value: Any, said: str, tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps({"prompt": "a", "completion": "b"}) + "\n" + json.dumps(value) + "\n")
    with pytest.raises(DatasetError, match=rf"line 2 has .*{said}"):
        read_rows(file)


def test_csv_with_named_columns_is_trained_on(tiny_base: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / "train.csv").write_text('completion,prompt\n" Absolute,\nvalues","Q: What is mx.abs?\nA:"\n')
    assert [(row.prompt, row.completion) for row in read_rows(rows / "train.csv")] == [
        ("Q: What is mx.abs?\nA:", " Absolute,\nvalues")
    ]

    result = train(TrainOptions(rows, tmp_path / "mine", str(tiny_base), iters=2), lambda _: None)
    assert result.iterations == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "line 1 names no columns"),
        ('text\n"open\n', "is not CSV"),
        ("text\nQ\n\n \n", "line 4 has nothing"),
        ('prompt,completion\na,b\n"c,d\n', "line 3 is not CSV"),
        ("prompt,completion\na,b\na,b,c\n", "line 3 has more cells than columns"),
        ("prompt,prompt,completion\na,b,c\n", "line 1 names a column twice"),
    ],
)
def test_a_wrong_table_is_named_by_file_and_line(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    file.write_text(text)
    with pytest.raises(DatasetError, match=said):
        read_rows(file)


def test_what_is_not_utf_8_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_bytes(b'{"text": "a"}\n{"text": "caf\xe9"}\n')
    with pytest.raises(DatasetError, match=r"train\.jsonl, line 2 is not UTF-8"):
        read_rows(file)


@pytest.mark.parametrize(
    ("message", "more", "said"),
    [
        ({"role": "assistant", "content": None}, {}, "line 1 has a message of the assistant without content"),
        ({"role": "assistant"}, {}, "line 1 has a message of the assistant without content"),
        ({"role": "assistant", "content": "b"}, {"tools": "f"}, "line 1 has tools that are no list"),
    ],
)
def test_a_wrong_conversation_is_named_by_its_line(
    message: dict[str, Any], more: dict[str, Any], said: str, tmp_path: Path
) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text(json.dumps({"messages": [{"role": "user", "content": "a"}, message], **more}) + "\n")
    with pytest.raises(DatasetError, match=said):
        read_rows(file)


def test_a_separator_that_no_text_has_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"text": "a | tags: b"}\n{"text": "c"}\n')
    assert [row.prompt for row in read_rows(file, " | tags: ")] == ["a | tags: ", ""]
    with pytest.raises(DatasetError, match=r"train\.jsonl has no text with the separator ' | nope: '"):
        read_rows(file, " | nope: ")


def test_rows_without_a_source_cannot_be_scored_by_it(tmp_path: Path) -> None:
    file = tmp_path / "test.jsonl"
    file.write_text('{"prompt": "a", "completion": "b"}\n')
    with pytest.raises(DatasetError, match=r"test\.jsonl has a row that names no source"):
        read_sources(file)
