"""How the benchmark of shape tools judges what is said: ``benchmarks/shape_tools.py``."""

import ast
from typing import Any

from benchmarks.nanogpt.record import places, recorded
from benchmarks.shape_tools import FOLDER, dimensions, outcomes, tenny_says

NAMES = ("mlx", "torch", "torch_shapes", "torch_flow")
RUN: list[Any] = [["f", "x", 1, [3, 5]], ["f", "y", 1, [3, 10]]]


def judged(x: list[str] | None, y: list[str] | None, *more: list[Any]) -> list[str]:
    said = {("f", name, 1): dims for name, dims in (("x", x), ("y", y)) if dims is not None}
    return list(outcomes(said, [RUN, *more], {"n": 5}).values())


def test_a_name_stands_for_one_number_within_a_run() -> None:
    assert judged(["B", "n"], ["B", "2*n"]) == ["full", "full"]
    assert judged(["B", "n"], ["n", "2*n"]) == ["full", "wrong"]
    assert judged(["B", "T"], ["B", "2 * T"]) == ["full", "full"]
    assert judged(["B", "n"], None, [["f", "x", 1, [4, 5]], ["f", "y", 1, [7, 7]]]) == ["full", "unknown"]


def test_what_is_not_said_is_not_wrong() -> None:
    assert judged(["?", "n"], None) == ["part", "unknown"]
    assert judged(["int", "n"], []) == ["part", "wrong"]
    assert judged(["?", "6"], ["3"]) == ["wrong", "wrong"]


def test_a_product_of_names_that_the_run_does_not_tell_is_taken_as_it_is() -> None:
    assert judged(["A*B", "n"], ["A", "B"]) == ["wrong", "full"]
    assert judged(["A*B", "n"], None) == ["full", "unknown"]


def test_one_wrong_run_is_enough() -> None:
    assert judged(["3", "n"], None, [["f", "x", 1, [4, 5]]]) == ["wrong", "unknown"]


def test_dimensions_are_told_apart_outside_of_parentheses() -> None:
    assert dimensions("B, (T + 1) // 2, max(a, b)") == ["B", "(T + 1) // 2", "max(a, b)"]
    assert dimensions("") == []


def test_every_assignment_of_the_models_has_its_place() -> None:
    trees = [ast.parse((FOLDER / f"gpt_{name}.py").read_text("utf-8")) for name in NAMES]
    mlx, torch, *annotated = ([place[1:] for place in places(tree)] for tree in trees)

    assert annotated == [torch, torch]
    assert len(mlx) == len(torch)


def test_nothing_wrong_is_said_of_the_model_in_mlx() -> None:
    model = FOLDER / "gpt_mlx.py"
    config = {"vocab_size": 97, "block_size": 24, "n_layer": 2, "n_head": 4, "n_embd": 32}

    found = list(outcomes(tenny_says(model), recorded(model), config).values())

    assert "wrong" not in found and found.count("full") > len(found) // 2
