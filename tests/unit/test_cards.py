"""The card of every name: all that MLX documents is there, and none of it is raw reStructuredText."""

import re

import pytest

from tenny_lsp.features.cards import facts
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.pages import documented_pages

RAW_RST = re.compile(
    r":(?:func|class|meth|obj|attr|math|ref|sup|mod|doc):`|^\s*\.\. |``[^`\n]+``|::$|\\ |"
    r"\\(?:frac|text|math|left|right|begin|end|alpha|beta|gamma|lambda|sqrt|sum)|[\x00-\x08\x0b-\x1f]",
    re.MULTILINE,
)


@pytest.mark.parametrize("name", documented_pages())
def test_every_documented_name_has_a_card(name: str, mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve(name)

    assert entry is not None
    card = facts(entry, mlx_index)
    assert entry.short_name in card
    assert documented_pages()[name] in card or entry.name != name


def test_the_documentation_lists_what_it_lists() -> None:
    assert len(documented_pages()) >= 552


def test_no_card_shows_raw_rst(mlx_index: ApiIndex) -> None:
    raw = {entry.name: found[0] for entry in mlx_index if (found := RAW_RST.search(_prose(facts(entry, mlx_index))))}

    assert raw == {}


def test_documented_names_without_a_summary(mlx_index: ApiIndex) -> None:
    silent = [name for name in documented_pages() if not mlx_index.resolve(name).summary]  # type: ignore[union-attr]

    assert silent == []


def _prose(card: str) -> str:
    """Returns a card without its code blocks, which may say what they like."""
    return re.sub(r"```python\n.*?\n```", "", card, flags=re.DOTALL)


def test_the_card_says_what_is_otherwise_elsewhere(mlx_index: ApiIndex) -> None:
    module, std = mlx_index.resolve("mlx.nn.Module"), mlx_index.resolve("mlx.core.std")

    assert module is not None and std is not None
    assert "**Coming from** `torch.nn.Module`: Define `__call__`, not forward." in facts(module, mlx_index)
    assert "**Coming from** `torch.std`: ddof defaults to 0; PyTorch's default is `ddof=1`." in facts(std, mlx_index)
    assert "Coming from" not in facts(std, mlx_index, with_elsewhere=False)
