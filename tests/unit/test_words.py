"""Texts as words."""

import pytest

from tenny_lsp.data import read_jsonl, read_lines
from tenny_lsp.features.ask import search_in
from tenny_lsp.features.subject import content_words
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.words import STEMS, snowball_stem, stem, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("log_softmax LogSoftmax", ["log", "softmax", "log", "softmax"]),
        ("NaNs in the LoRA of a MoE", ["nans", "in", "the", "lora", "of", "a", "moe"]),
        ("nn.RoPE RMSNorm NumPy", ["nn", "rope", "rms", "norm", "numpy"]),
        ("isNaN", ["is", "nan"]),
        ("Conv2d conv2d", ["conv", "2d", "conv", "2d"]),
    ],
)
def test_words(text: str, found: list[str]) -> None:
    assert list(words(text)) == found


@pytest.mark.parametrize("name", ["NaN", "LoRA", "RoPE", "MoE", "IoU", "NumPy", "arXiv", "jQuery"])
def test_a_name_with_a_capital_inside_says_what_a_text_is_about(name: str) -> None:
    assert content_words(f"# {name} again") == content_words(f"# {name.lower()} again") != frozenset()


def test_every_shipped_stem_is_the_one_that_the_rules_find() -> None:
    rows = [line.split(" ") for line in read_lines(STEMS)]

    assert len(rows) > 5000
    assert [word for stem_, *forms in rows for word in forms if snowball_stem(word) != stem_] == []
    assert [(word, stem(word)) for _, *forms in rows for word in forms if stem(word) != snowball_stem(word)] == []


def test_a_word_that_is_not_shipped_has_its_stem() -> None:
    assert not any("zigzagging" in line.split(" ") for line in read_lines(STEMS))
    assert stem("zigzagging") == stem("zigzagged") == "zigzag"


def test_hardly_a_word_of_the_remarks_has_to_be_stemmed() -> None:
    shipped = {word for line in read_lines(STEMS) for word in line.split(" ")[1:]}
    used = {word for row in read_jsonl("remarks.jsonl") for word in words(row["response"]) if word.isalpha()}

    assert len(used - shipped) < 0.05 * len(used), "python -m tools.build_stems"


def test_few_words_of_the_documentation_have_to_be_stemmed(
    mlx_index: ApiIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing: list[str] = []

    def snowball(word: str) -> str:
        missing.append(word)
        return snowball_stem(word)

    monkeypatch.setattr("tenny_lsp.mlx_api.words.snowball_stem", snowball)
    stem.cache_clear()
    search_in(mlx_index)

    assert len(missing) < 200, "python -m tools.build_stems"
