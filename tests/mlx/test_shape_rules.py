"""The rules of shapes and dtypes say what MLX does: random calls of each are run and compared."""

from random import Random

import mlx.core as mx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.shape_rules import Compare, agrees, compare_index, coverage, subjects
from tenny_lsp.inference.shapes.dimension import UNKNOWN, add, floor_divide, multiply, symbol
from tenny_lsp.inference.shapes.values import DTYPES, Array, promote

SUBJECTS = dict(subjects())


@pytest.fixture(autouse=True)
def on_the_cpu() -> object:
    before = mx.default_device()
    mx.set_default_device(mx.cpu)
    yield
    mx.set_default_device(before)


@pytest.mark.parametrize("name", SUBJECTS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), forgetting=st.sampled_from([0.0, 0.3, 0.8]))
def test_a_rule_says_what_mlx_does(name: str, seed: int, forgetting: float) -> None:
    compare: Compare = SUBJECTS[name]
    found = compare(Random(seed), forgetting)

    assert found.kind != "wrong", found.text


@settings(max_examples=1500, deadline=None, derandomize=True, database=None)
@given(seed=st.integers(0, 2**32), forgetting=st.sampled_from([0.0, 0.3, 0.8]))
def test_indexing(seed: int, forgetting: float) -> None:
    found = compare_index(Random(seed), forgetting)

    assert found.kind != "wrong", found.text


def test_promotion() -> None:
    for one in DTYPES:
        for other in DTYPES:
            real = mx.result_type(
                getattr(mx, one.replace("bool", "bool_")), getattr(mx, other.replace("bool", "bool_"))
            )
            said = promote(one, other)
            assert real == getattr(mx, said.replace("bool", "bool_")), (one, other)


def test_most_names_have_a_rule() -> None:
    for group, row in coverage().items():
        assert row["with a rule"] >= (0.95 if group == "mlx.core" else 0.6) * row["names"], (group, row["missing"])
    assert coverage()["layers of mlx.nn"]["missing"] == ["mlx.nn.FullyShardedModule"]


def test_a_wrong_shape_or_dtype_is_seen() -> None:
    n = symbol("n", 3)
    real = mx.zeros((3, 6))

    assert agrees(Array((n, multiply(2, n)), "float32"), real)
    assert agrees(Array((UNKNOWN, 6), None), real)
    assert not agrees(Array((n, n), None), real)
    assert not agrees(Array((n, add(n, 2)), None), real)
    assert not agrees(Array((3, floor_divide(n, 2)), None), real)
    assert not agrees(Array((3,), None), real)
    assert not agrees(Array(None, "float16"), real)
    assert not agrees((Array(),), real)
