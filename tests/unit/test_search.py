"""What is found by words."""

import pytest

from tenny_lsp.data import read_toml
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.search import Search


@pytest.fixture(scope="module")
def search(mlx_index: ApiIndex) -> Search:
    return Search(mlx_index)


def test_every_keyword_belongs_to_a_public_name(mlx_index: ApiIndex) -> None:
    table = read_toml("keywords.toml")

    assert [name for name in table if (entry := mlx_index.resolve(name)) is None or entry.name != name] == []


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("conv2d", "mlx.core.conv2d"),
        ("2d convolution", "mlx.nn.Conv2d"),
        ("LayerNorm", "mlx.nn.LayerNorm"),
        ("layer norms", "mlx.nn.LayerNorm"),
        ("log softmax", "mlx.nn.log_softmax"),
    ],
)
def test_names_are_found_in_pieces_and_in_other_forms(words: str, name: str, search: Search) -> None:
    assert name in [entry.name for entry in search.about(words, most=2)]


def test_no_more_than_asked_for(search: Search) -> None:
    assert len(search.about("sum of the array along an axis", most=3)) == 3
