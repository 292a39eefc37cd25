"""What an answer is worth."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenny_lsp.evaluation.answering import judge, module_of, rouge_l
from tenny_lsp.evaluation.scores import AnswerScores
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompts import UNSEEN_WORDINGS, WORDINGS


@pytest.mark.parametrize(
    ("said", "reference", "score"),
    [
        ("the cat sat", "the cat sat", 1.0),
        ("The cat, sat.", "the cat sat", 1.0),
        ("the cat", "the cat sat down", 2 * 2 / 6),
        ("sat cat the", "the cat sat", 2 * 1 / 6),
        ("a dog", "the cat", 0.0),
        ("", "the cat", 0.0),
        ("the cat", "", 0.0),
    ],
)
def test_rouge_l_is_the_longest_common_subsequence_over_the_mean_length(
    said: str, reference: str, score: float
) -> None:
    assert rouge_l(said, reference) == pytest.approx(score)


@given(st.text(), st.text())
def test_rouge_l_is_a_share_and_symmetric(one: str, other: str) -> None:
    assert 0 <= rouge_l(one, other) == rouge_l(other, one) <= 1


def test_no_unseen_wording_is_ever_trained_on() -> None:
    seen = {wording.lower() for wordings in WORDINGS.values() for wording in wordings}

    assert not seen & {wording.lower() for wording in UNSEEN_WORDINGS}


@pytest.mark.parametrize(
    ("answer", "unfounded", "is_shown"),
    [
        ("mlx.core.abs Element-wise absolute value.", (), True),
        ("mlx.core.abs Calls mx.rectify on it.", ("mx.rectify",), False),
        ("mlx.core.exp Element-wise absolute value.", ("mlx.core.exp",), False),
        ("mlx.core.abs Takes dim=0 too.", ("dim",), False),
    ],
)
async def test_an_answer_is_judged_as_a_hover_judges_it(
    answer: str, unfounded: tuple[str, ...], is_shown: bool, mlx_index: ApiIndex
) -> None:
    async def complete(prompt: str) -> str:
        assert prompt.startswith("mx.abs(a: array, /)\n")
        return answer

    entry = mlx_index.resolve("mlx.core.abs")
    assert entry is not None
    judged = await judge(entry, mlx_index, complete)

    assert (judged.unfounded, judged.is_shown) == (unfounded, is_shown)
    assert judged.module == "mlx.core"
    assert AnswerScores.of([judged]).shown_unfounded == 0


@pytest.mark.parametrize(
    ("name", "module"),
    [("mlx.nn.Module.freeze", "mlx.nn"), ("mlx.core.fast.rope", "mlx.core.fast"), ("mlx.core.array.at", "mlx.core")],
)
def test_a_member_belongs_to_the_module_around_its_class(name: str, module: str, mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve(name)

    assert entry is not None and module_of(entry, mlx_index) == module
