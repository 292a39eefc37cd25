"""The counts' own tool: what is kept, what is learned, and that both repeat themselves."""

import json
from pathlib import Path

import pytest

from tenny_lsp.mlx_api.usage import FEATURES, Usage
from tenny_lsp.mlx_api.usage_contexts import Members
from tools import build_usage
from tools.build_usage import File, examples, learn, mean_reciprocal_rank, read, usage_of

MEMBERS = Members({"mlx.core": frozenset({"ones", "zeros", "exp"}), "mlx.core.array": frozenset({"sum"})})
TEXT = "import mlx.core as mx\n" + "".join(
    f"mask{n} = mx.ones(3)\nx{n} = mx.zeros(3)\n" * (n % 3 + 1) for n in range(9)
)
EVEN = {"modules": (1.0,) * len(FEATURES), "arrays": (1.0,) * len(FEATURES)}


@pytest.fixture
def files(tmp_path: Path) -> list[File]:
    part = tmp_path / "code.jsonl"
    part.write_text("".join(json.dumps({"package": name, "text": TEXT}) + "\n" for name in ("one", "two")))
    return list(read(part, MEMBERS))


def test_files_are_read_with_their_package(files: list[File]) -> None:
    assert [file.package for file in files] == ["one", "two"]
    assert {use.name for use in files[0].uses} == {"ones", "zeros"}


def test_the_same_files_give_the_same_bytes(files: list[File]) -> None:
    assert usage_of(files, EVEN) == usage_of(files, EVEN)


def test_a_file_that_repeats_itself_counts_twice_and_no_more(files: list[File]) -> None:
    usage = Usage(usage_of(files, EVEN))
    use = next(use for use in files[0].uses if use.name == "ones")

    votes = usage.votes(use, [], ["ones", "zeros"])[1]

    assert usage.frequency("mlx.core", "ones") == sum(use.name == "ones" for file in files for use in file.uses)
    assert votes[0]
    assert max(vote.get(0, 0.0) for vote in votes[:11]) < 2  # log(1 + 4 / (1.5 · ½)), not log(1 + 36 / …)


def test_what_does_not_fit_is_what_came_seldom(files: list[File], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = usage_of(files, EVEN)
    monkeypatch.setattr(build_usage, "BUDGET_BYTES", len(whole) - 200)

    small = usage_of(files, EVEN)

    assert len(small) <= len(whole) - 200
    assert Usage(small).frequency("mlx.core", "ones") == Usage(whole).frequency("mlx.core", "ones")


def test_weights_are_learned_that_put_the_written_name_first(files: list[File]) -> None:
    found = examples(files, usage_of(files, {}), MEMBERS, "modules")

    weights = learn(found)

    assert len(weights) == len(FEATURES)
    assert mean_reciprocal_rank(found, weights) > 0.95
    assert learn(found) == weights
    assert examples(files, usage_of(files, {}), MEMBERS, "arrays") == []
