"""What is answered to a question, and where it is said to stand."""

import csv
from pathlib import Path

import pytest

from tenny_lsp.features.ask import Answer, ask, search_in, sources_of
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.search import Search
from tenny_lsp.model.protocol import ALL_ABILITIES

QUESTIONS = Path(__file__).parents[2] / "benchmarks" / "questions.tsv"


@pytest.fixture(scope="module")
def search(mlx_index: ApiIndex) -> Search:
    return search_in(mlx_index)


class Model:
    """Answers every prompt alike and keeps them."""

    can = ALL_ABILITIES

    def __init__(self, answer: str) -> None:
        self.prompts: list[str] = []
        self._answer = answer

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        self.prompts.append(prompt)
        return self._answer


def names(answer: Answer) -> list[str]:
    return [source.subject.name for source in answer.sources]


@pytest.mark.parametrize("kind", ["seen", "fresh"])
def test_the_right_entry_is_among_the_sources(kind: str, mlx_index: ApiIndex, search: Search) -> None:
    """``fresh`` questions were written blind: 52 of 60 at first sight, 54 since long questions may miss some words."""
    with QUESTIONS.open(encoding="utf-8") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row[0] == kind]
    missed = [
        question
        for _, question, right in rows
        if not {source.subject.name for source in sources_of(question, search)} & set(right.split())
    ]

    assert len(rows) == 60
    assert len(missed) <= 6, missed


@pytest.mark.parametrize(
    "question",
    ["how do I bake bread?", "what is the capital of France?", "who are you", "", "???", "plot a histogram"],
)
async def test_what_is_not_about_mlx_has_no_sources_and_asks_no_model(
    question: str, mlx_index: ApiIndex, search: Search
) -> None:
    model = Model("Use mx.bake.")

    assert await ask(question, search, model) == Answer(None, ())
    assert model.prompts == []


async def test_the_model_reads_the_documentation(mlx_index: ApiIndex, search: Search) -> None:
    model = Model("Use mx.concatenate. It joins. And it was cut")

    answer = await ask("how do I join arrays with mx.concatenate?", search, model)

    assert answer.prose == "Use mx.concatenate. It joins." and answer.is_generated
    assert names(answer)[0] == "mlx.core.concatenate"
    assert "mx.concatenate(arrays: list[array], axis: int | None = 0)\nConcatenate the arrays" in model.prompts[0]


@pytest.mark.parametrize("said", ["Use mx.bake.", "Pass dim=0 to it.", "", "no sentence", "See https://x.y."])
async def test_the_documentation_answers_where_the_model_invents(
    said: str, mlx_index: ApiIndex, search: Search
) -> None:
    answer = await ask("mx.concatenate?", search, Model(said))

    assert answer.prose == (
        "mx.concatenate(arrays: list[array], axis: int | None = 0, *, stream: StreamOrDevice = None): "
        "Concatenate the arrays along the given axis."
    )
    assert not answer.is_generated


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("what replaces torch.cat?", "torch.cat is mx.concatenate in MLX. dim is called axis."),
        ("np.cross_nothing and torch.cat", "torch.cat is mx.concatenate in MLX. dim is called axis."),
        ("F.relu", "torch.nn.functional.relu is nn.relu in MLX."),
    ],
)
async def test_another_librarys_name_is_translated(
    question: str, said: str, mlx_index: ApiIndex, search: Search
) -> None:
    answer = await ask(question, search, None)

    assert answer.prose == said
    assert answer.sources[0].foreign is not None


async def test_what_has_no_equivalent_is_said_to_have_none(mlx_index: ApiIndex, search: Search) -> None:
    answer = await ask("torch.complex in mlx?", search, Model("mlx.core.abs Is it."))

    assert answer.prose is not None
    assert answer.prose.startswith("torch.complex has no equivalent in MLX: real + 1j * imag")
