"""What the rules of mlx-lm say of its arguments is so in the installed mlx-lm."""

import inspect
from importlib import import_module

import pytest

from tenny_lsp.pitfalls.rules.mlx_lm_calls import OTHERS, PROCESSING, SAMPLING

GENERATE = import_module("mlx_lm.generate")
SAMPLE = import_module("mlx_lm.sample_utils")


@pytest.mark.parametrize("name", ["stream_generate", "generate_step", "speculative_generate_step"])
def test_generation_has_none_of_the_arguments(name: str) -> None:
    assert not inspect.signature(getattr(GENERATE, name)).parameters.keys() & {*SAMPLING, *PROCESSING, *OTHERS}


def test_generate_hands_its_keywords_on_to_a_step_that_takes_no_others() -> None:
    kinds = {one.kind for one in inspect.signature(GENERATE.generate_step).parameters.values()}

    assert inspect.Parameter.VAR_KEYWORD not in kinds


@pytest.mark.parametrize(
    ("maker", "table"), [("make_sampler", SAMPLING), ("make_logits_processors", PROCESSING)], ids=["sampler", "logits"]
)
def test_what_is_written_instead_has_them(maker: str, table: dict[str, str]) -> None:
    assert set(table.values()) <= inspect.signature(getattr(SAMPLE, maker)).parameters.keys()
