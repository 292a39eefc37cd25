"""What is answered to a question, and where it is said to stand."""

import csv
from pathlib import Path

import pytest

from benchmarks.ask_questions import read_questions
from tenny_lsp.features.ask import Answer, answer_values, ask, markdown_of, search_in, sources_of
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.mlx_api.search import Search
from tenny_lsp.model.protocol import ALL_ABILITIES

QUESTIONS = Path(__file__).parents[2] / "benchmarks" / "questions.tsv"
OFF_TOPIC = (Path(__file__).parents[1] / "data" / "off_topic.txt").read_text("utf-8").splitlines()[1:]
#: The questions that people ask, with what may come first.
ASKED = read_questions()
#: The fewest of the questions of each part that must have a right source first: of 40, 103 and 40.
FEWEST_RIGHT = {"tune": 38, "tune, later": 86, "held out": 35}


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


@pytest.mark.parametrize("question", ["how do I bake bread?", "", "???", *OFF_TOPIC])
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


@pytest.mark.parametrize(
    ("question", "accepted"),
    [(asked["question"], asked["accepted"]) for asked in ASKED if asked["half"] == "known"],
)
def test_what_was_answered_wrongly_has_the_right_source_first(
    question: str, accepted: list[str], search: Search
) -> None:
    assert sources_of(question, search)[0].subject.name in accepted


@pytest.mark.parametrize("half", FEWEST_RIGHT)
def test_what_people_ask_has_the_right_source_first(half: str, search: Search) -> None:
    """``benchmarks.ask_questions`` prints which are missed."""
    asked = [row for row in ASKED if row["half"] == half]
    found = [(row, sources_of(row["question"], search)[:1]) for row in asked]
    right = [row for row, first in found if first and first[0].subject.name in row["accepted"]]

    assert len(right) >= FEWEST_RIGHT[half]


async def test_a_recipe_answers_in_its_own_words_and_with_its_code(search: Search) -> None:
    model = Model("Use mx.average_gradients.")

    answer = await ask("how do I accumulate gradients?", search, model)

    recipe = answer.sources[0].subject
    assert not isinstance(recipe, ApiEntry)
    assert (answer.prose, answer.code) == (recipe.prose, recipe.code)
    assert "tree_map" in answer.code and "mx.eval(total)" in answer.code
    assert not answer.is_generated and model.prompts == []
    assert answer_values(answer)["code"] == answer.code


async def test_a_pitfall_answers_with_its_code_before_and_after(search: Search) -> None:
    answer = await ask("x.size() in mlx", search, None)

    assert answer.sources[0].subject.name == "size-call"
    assert answer.prose is not None and "shape" in answer.prose
    assert answer.code.startswith("# before\n") and "\n# after\n" in answer.code
    assert answer.code in markdown_of(answer, search.index)


async def test_what_runs_on_the_cpu_only_is_told_to_be_given_a_stream(search: Search) -> None:
    recipe, entry = await ask("SVD does not work on the GPU", search, None), await ask("mx.linalg.svd", search, None)

    assert "stream=mx.cpu" in (recipe.prose or "") and "stream=mx.cpu" in recipe.code
    assert "stream: StreamOrDevice = None" in (entry.prose or "")


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("what does x.permute become", "mlx.core.array.transpose"),
        ("permute(0, 2, 1)", "mlx.core.array.transpose"),
        ("what replaces model.cuda()?", "move-to-device"),
        ("ModuleList", "module-list"),
        ("`.step()` of my optimizer", "apply-the-gradients"),
        ("one_hot(labels)", "mlx.core.eye"),
        ("scheduler.step() every epoch", "learning-rate-schedule"),
        ("'array' object has no attribute 'unsqueeze'", "mlx.core.expand_dims"),
    ],
)
def test_another_librarys_name_is_known_by_its_last_part(question: str, name: str, search: Search) -> None:
    assert sources_of(question, search)[0].subject.name == name


@pytest.mark.parametrize("question", ["what is the next step", "permute the seats", "asyncio.gather"])
def test_an_english_word_or_pythons_own_name_is_no_last_part(question: str, search: Search) -> None:
    assert sources_of(question, search) == []
