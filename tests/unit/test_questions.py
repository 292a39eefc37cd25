"""What the rows of an entry say."""

import pytest

from tenny_lsp.learning.questions import entry_rows, task
from tenny_lsp.mlx_api.index import ApiIndex


def answers(index: ApiIndex, name: str, kind: str) -> set[str]:
    entry = index.resolve(name)
    assert entry is not None
    return {
        row.completion
        for row in entry_rows(entry, [], is_first_of_its_name=True, with_documentation=True)
        if row.kind == kind
    }


def test_what_it_is_opens_with_the_name_as_in_the_book(mlx_index: ApiIndex) -> None:
    said = " mlx.nn.ReLU Applies the Rectified Linear Unit. Simply mx.maximum(x, 0)."

    assert answers(mlx_index, "mlx.nn.ReLU", "what") == {said}


def test_a_call_marks_what_is_positional_only_and_what_is_keyword_only(mlx_index: ApiIndex) -> None:
    assert answers(mlx_index, "mlx.core.abs", "call") == {" mx.abs(a: array, /)"}


def test_every_overload_is_a_call(mlx_index: ApiIndex) -> None:
    (calls,) = answers(mlx_index, "mlx.core.arange", "call")

    assert calls.count("mx.arange(") == 2 and " or " in calls


def test_arguments_and_return_value(mlx_index: ApiIndex) -> None:
    takes = " mlx.core.abs takes a (array): Input array."

    assert answers(mlx_index, "mlx.core.abs", "arguments") == {takes}
    assert answers(mlx_index, "mlx.core.abs", "returns") == {" mlx.core.abs returns array: The absolute value of a."}


def test_what_others_call_it_is_said_where_it_differs(mlx_index: ApiIndex) -> None:
    (said,) = answers(mlx_index, "mlx.core.concatenate", "what")

    assert said.endswith(" along the given axis. PyTorch calls it torch.cat.")


def test_a_parameter_is_explained_in_the_documentations_words(mlx_index: ApiIndex) -> None:
    assert answers(mlx_index, "mlx.core.abs", "parameter") == {" a (array): Input array."}


@pytest.mark.parametrize(
    ("summary", "deed"),
    [
        ("Computes the mean over axes.", "compute the mean over axes"),
        ("Apply the layer. Twice.", "apply the layer"),
        ("An operation to add two numbers.", "add two numbers"),
        ("Element-wise absolute value.", ""),
        ("The AdamW optimizer.", ""),
        ("", ""),
    ],
)
def test_a_task_is_the_deed_that_a_summary_describes(summary: str, deed: str) -> None:
    assert task(summary) == deed
