"""What the rules of mlx-lm say of its arguments is so in the installed mlx-lm."""

import inspect
from importlib import import_module

import pytest

from tenny_lsp.pitfalls.rules.mlx_lm_calls import OTHERS, PROCESSING, SAMPLING
from tenny_lsp.pitfalls.rules.own_calls import MOVED

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


@pytest.mark.parametrize(("name", "module"), sorted(MOVED.items()))
def test_what_has_moved_is_where_an_import_is_sent(name: str, module: str) -> None:
    assert hasattr(import_module(module), name)


def test_a_pair_is_loaded_and_three_with_the_configuration() -> None:
    parameters = inspect.signature(import_module("mlx_lm").load).parameters

    assert parameters["return_config"].default is False
