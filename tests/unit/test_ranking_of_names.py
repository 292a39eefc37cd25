"""Next names in code: which places count, and how a rank is made a score."""

from collections.abc import Sequence

from tenny_lsp.evaluation.ranking import places_in, reciprocal_rank
from tenny_lsp.mlx_api.index import ApiIndex

CODE = (
    "import mlx.core as mx\nx = mx.random.normal((2,))\ny = np.mx.abs(x) + mx.nope(x) + self.mx.exp(x)\nz = mx.exp(y)\n"
)


def test_places_are_names_that_mlx_has(mlx_index: ApiIndex) -> None:
    places = places_in([CODE], mlx_index, most=9)

    assert {(place.module, place.name) for place in places} == {
        ("mlx.core.random", "normal"),
        ("mlx.core", "exp"),
    }
    assert all(place.text.endswith(".") for place in places)
    assert places_in([CODE], mlx_index, most=1) == places_in([CODE], mlx_index, most=1)


async def test_the_score_is_the_mean_of_one_over_the_rank(mlx_index: ApiIndex) -> None:
    async def score(text: str, names: Sequence[str]) -> list[float]:
        first = "normal" if text.endswith("random.") else "abs"
        return [0.0 if name == first else -1.0 if name == "exp" else -2.0 for name in names]

    places = places_in([CODE], mlx_index, most=9)

    assert await reciprocal_rank(places, mlx_index, score) == (1 / 1 + 1 / 2) / 2
