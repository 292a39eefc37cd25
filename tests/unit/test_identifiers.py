"""What of a question is code."""

import pytest

from tenny_lsp.mlx_api.identifiers import bare_names, dotted_names, quoted_names, with_attributes_named, without_owners


@pytest.mark.parametrize(
    ("text", "dotted", "bare"),
    [
        ("instead of optimizer.zero_grad()?", ["optimizer.zero_grad"], []),
        ("the .step of Adam. Then go", [".step"], []),
        ("x.contiguous().view(b, -1)", ["x.contiguous", ".view"], []),
        ("call permute(0, 1), `mean` or log_softmax", [], ["permute", "mean", "log_softmax"]),
        ("ModuleList and GroupNorm", [], ["ModuleList", "GroupNorm"]),
        ("the next step is to permute (again)", [], []),
        ("asyncio.gather", [], []),
    ],
)
def test_names_are_written_as_code(text: str, dotted: list[str], bare: list[str]) -> None:
    assert (dotted_names(text), bare_names(text)) == (dotted, bare)


def test_names_between_backticks_are_quoted() -> None:
    assert list(quoted_names("write `loss.backward()` or `step`, not x.cuda")) == ["loss.backward", "step"]


def test_owners_are_no_words() -> None:
    assert without_owners("what does x.permute do, and asyncio.gather?").split() == [
        "what",
        "does",
        "permute",
        "do,",
        "and",
        "?",
    ]


def test_of_pythons_message_the_missing_attribute_is_the_name() -> None:
    said = "AttributeError: 'array' object has no attribute 'unsqueeze'"

    assert dotted_names(with_attributes_named(said)) == [".unsqueeze"]
    assert dotted_names(with_attributes_named("module 'mlx.core' has no attribute 'nonzero'")) == [".nonzero"]
