"""Texts as words."""

import pytest

from tenny_lsp.features.subject import content_words
from tenny_lsp.mlx_api.words import words


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
