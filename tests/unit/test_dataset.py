"""The dataset: true, whole, split by name, and the same bytes every time."""

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp.errors import ApiIndexError, DatasetError, StorageError
from tenny_lsp.features.hover import hover_prompt
from tenny_lsp.learning.dataset import MANIFEST, SPLITS, Dataset, DatasetOptions, build_dataset
from tenny_lsp.mlx_api.examples import load_examples
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompts import SEPARATOR, WORDINGS, code_of
from tenny_lsp.pitfalls.rules.all import RULES
from tests.unit.test_cards import RAW_RST

FILES = {f"{split}.jsonl" for split in SPLITS} | {MANIFEST}
MODULE = '''
def sell(thing: str, price: int = 1) -> bool:
    """Sells a thing, e.g. a hat. {more}

    Args:
        thing (str): What is sold. It is gone afterwards.
        price (int): What it costs; less is cheaper.

    Returns:
        bool: Whether it was bought.
    """
def keep(thing):
    """Keeps a thing {long}."""
def silent(): ...
'''

#: What tests of writing are done with, because it is quickly read.
SMALL = DatasetOptions(packages=("platformdirs",))

Rows = list[dict[str, Any]]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows_of(folder: Path, *splits: str) -> Rows:
    files = [folder / f"{split}.jsonl" for split in splits or SPLITS]
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return build_dataset(tmp_path_factory.mktemp("dataset"), DatasetOptions())


@pytest.fixture(scope="module")
def rows(built: Dataset) -> Rows:
    return rows_of(built.folder)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a module ``shop`` importable."""
    (tmp_path / "site").mkdir()
    long = ", ".join(["however"] * 40)
    text = MODULE.replace("{more}", "It is quick. " * 30).replace("{long}", long)
    (tmp_path / "site" / "shop.py").write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_same_bytes_every_time(hash_seed: str, built: Dataset, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tenny_lsp.learning.dataset import *\n"
        "build_dataset(Path(sys.argv[1]), DatasetOptions())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}

    subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=environment, check=True)

    assert contents(tmp_path) == contents(built.folder)


def test_another_seed_splits_otherwise_and_holds_the_same_rows(built: Dataset, tmp_path: Path) -> None:
    build_dataset(tmp_path, DatasetOptions(seed=1))

    def asked(folder: Path) -> set[tuple[str, str]]:  # what stands beside the documentation depends on the split
        return {(row["prompt"].rpartition("\n\n")[2], row["completion"]) for row in rows_of(folder)}

    assert asked(tmp_path) == asked(built.folder)
    assert (tmp_path / "test.jsonl").read_bytes() != (built.folder / "test.jsonl").read_bytes()


def test_no_name_stands_in_two_splits(built: Dataset) -> None:
    splits: dict[str, set[str]] = defaultdict(set)
    for split in SPLITS:
        for row in rows_of(built.folder, split):
            splits[row["source"].rpartition(".")[2].lower()].add(split)

    assert [name for name, found in splits.items() if len(found) > 1] == []


@pytest.mark.parametrize(("test_size", "valid_size"), [(0.05, 0.05), (0.2, 0.1), (0.0, 0.3)])
def test_splits_have_the_sizes_asked_for(test_size: float, valid_size: float, tmp_path: Path) -> None:
    dataset = build_dataset(tmp_path, DatasetOptions(test_size=test_size, valid_size=valid_size))
    names = sum(dataset.names.values())

    assert dataset.names["test"] / names == pytest.approx(test_size, abs=0.03)
    assert dataset.names["valid"] / names == pytest.approx(valid_size, abs=0.03)
    assert {split: len(rows_of(tmp_path, split)) for split in SPLITS} == {
        split: sum(counts.values()) for split, counts in dataset.counts.items()
    }


def test_every_question_is_asked_once(rows: Rows) -> None:
    repeated = [prompt for prompt, times in Counter(row["prompt"] for row in rows).items() if times > 1]

    assert repeated == []
    assert len(rows) > 10_000


def test_every_prompt_is_one_of_the_wordings(rows: Rows) -> None:
    patterns = {
        kind: [re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(f"Q: {wording}{SEPARATOR}"))) for wording in wordings]
        for kind, wordings in WORDINGS.items()
    }

    assert [
        row for row in rows if not any(p.fullmatch(row["prompt"].rpartition("\n\n")[2]) for p in patterns[row["kind"]])
    ] == []
    assert {row["kind"] for row in rows} == set(WORDINGS)
    assert {tuple(row) for row in rows} == {("prompt", "completion", "source", "kind")}


def test_the_hovers_question_is_learned_for_every_documented_name(rows: Rows, mlx_index: ApiIndex) -> None:
    asked = {row["prompt"]: row["completion"] for row in rows}

    for entry in mlx_index:
        if entry.summary:
            assert asked[hover_prompt(entry)].startswith(f" {entry.name} ")


def test_every_answer_is_a_line_of_plain_text(rows: Rows) -> None:
    answers = {row["completion"] for row in rows if row["kind"] not in ("example", "pitfall")}

    assert [answer for answer in answers if not re.fullmatch(r" \S+( \S+)*", answer)] == []
    assert [answer for answer in answers if RAW_RST.search(answer)] == []


def test_examples_are_asked_for_and_answered_with_code_that_ran(rows: Rows) -> None:
    examples = load_examples()
    found = [row for row in rows if row["kind"] == "example"]

    assert {row["source"] for row in found} == set(examples)
    assert all(code_of(row["completion"]) == examples[row["source"]].code for row in found)


def test_wrong_code_is_asked_about_and_answered_with_what_is_right(rows: Rows) -> None:
    found = [row for row in rows if row["kind"] == "pitfall"]

    assert {row["source"] for row in found} == {rule.code for rule in RULES}
    [unsqueeze] = {row["completion"] for row in found if "y = mx.unsqueeze(x, dim=-1)" in row["prompt"]}
    assert unsqueeze.startswith(" `mx` has no `unsqueeze`") and code_of(unsqueeze) == "y = mx.expand_dims(x, -1)"


def test_code_that_is_too_long_is_left_out_rather_than_cut(tmp_path: Path) -> None:
    options = DatasetOptions(seq_limit=64, with_documentation=False)
    lines = rows_of(build_dataset(tmp_path, options).folder, *SPLITS)
    examples = load_examples()
    kept = [row for row in lines if row["kind"] == "example"]

    assert kept and all(code_of(row["completion"]) == examples[row["source"]].code for row in kept)


def test_nothing_is_said_of_what_mlx_only_imports(rows: Rows) -> None:
    sources = {row["source"] for row in rows if row["kind"] != "pitfall"}

    assert {source.partition(".")[0] for source in sources} == {"mlx", "torch", "numpy", "jax"}
    assert [
        s for s in sources if s.rpartition(".")[2] in ("Any", "Callable", "Extension", "Optional", "build_ext")
    ] == []


def test_the_manifest_says_what_is_there(built: Dataset, rows: Rows) -> None:
    manifest = json.loads((built.folder / MANIFEST).read_text("utf-8"))

    assert set(contents(built.folder)) == FILES
    assert manifest["sha256"] == {
        f"{split}.jsonl": sha256((built.folder / f"{split}.jsonl").read_bytes()).hexdigest() for split in SPLITS
    }
    assert manifest["packages"] == built.versions and set(built.versions) == {"mlx"}
    assert sum(manifest["rows"].values()) == sum(manifest["kinds"].values()) == len(rows)
    assert manifest["kinds"] == Counter(row["kind"] for row in rows)


def test_the_manifest_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[str] = []
    move = Path.replace

    def note(path: Path, target: Path) -> Path:
        assert not (tmp_path / MANIFEST).exists()
        replaced.append(target.name)
        return move(path, target)

    build_dataset(tmp_path, SMALL)
    monkeypatch.setattr(Path, "replace", note)
    build_dataset(tmp_path, SMALL)

    assert (set(replaced), replaced[-1]) == (FILES, MANIFEST)


def test_text_rows_hold_the_same_words(rows: Rows, tmp_path: Path) -> None:
    build_dataset(tmp_path, DatasetOptions(format="text"))

    assert rows_of(tmp_path) == [{"text": row["prompt"] + row["completion"]} for row in rows]


@pytest.mark.parametrize("limit", [64, 200, 400])
def test_a_long_answer_ends_at_a_sentence(limit: int, tmp_path: Path) -> None:
    build_dataset(tmp_path / "whole", DatasetOptions(with_documentation=False))
    rows = rows_of(tmp_path / "whole")
    whole = {row["prompt"]: row["completion"] for row in rows}

    dataset = build_dataset(tmp_path / "cut", DatasetOptions(seq_limit=limit, with_documentation=False))

    kept = rows_of(tmp_path / "cut")
    cut = [row for row in kept if row["completion"] != whole[row["prompt"]]]
    assert max(len(row["prompt"] + row["completion"]) for row in kept) <= limit
    assert (dataset.shortened, dataset.left_out) == (len(cut), len(rows) - len(kept))
    assert cut and not [row for row in cut if not re.search(r"\S[.!?]$", row["completion"])]
    assert not [row for row in cut if not whole[row["prompt"]].startswith(row["completion"][:-1])]


@pytest.mark.usefixtures("shop")
def test_an_abbreviation_is_no_end_and_what_has_none_is_left_out(tmp_path: Path) -> None:
    options = DatasetOptions(packages=("shop",), test_size=0, valid_size=0, seq_limit=90, with_documentation=False)
    dataset = build_dataset(tmp_path / "out", options)

    answers = {row["completion"] for row in rows_of(tmp_path / "out") if row["kind"] in ("what", "arguments")}
    assert " shop.sell Sells a thing, e.g. a hat." in answers
    assert {answer for answer in answers if "keep" in answer} == {" shop.keep takes thing."}
    assert dataset.shortened and dataset.left_out


@pytest.mark.usefixtures("shop")
def test_another_package_is_not_asked_about_as_if_it_were_mlx(tmp_path: Path) -> None:
    build_dataset(tmp_path / "out", DatasetOptions(packages=("shop",), test_size=0, valid_size=0))

    rows = rows_of(tmp_path / "out")
    assert {row["source"] for row in rows} == {"shop.sell", "shop.keep", "shop.silent"}
    assert [row for row in rows if "mlx" in row["prompt"].lower()] == []
    assert {row["kind"] for row in rows} == {"what", "arguments", "parameter", "call", "returns"}


def test_documentation_stands_above_the_question_that_it_answers(rows: Rows, tmp_path: Path) -> None:
    build_dataset(tmp_path, DatasetOptions(with_documentation=False))

    assert all(row["prompt"].count("\n\nQ: ") == 1 for row in rows)
    assert all(row["prompt"].startswith("Q: ") for row in rows_of(tmp_path) if row["kind"] != "pitfall")


def test_several_packages_at_once(tmp_path: Path) -> None:
    packages = ("tree_sitter", "platformdirs", "tree_sitter")
    alone = build_dataset(tmp_path / "alone", DatasetOptions(packages=packages))
    build_dataset(tmp_path / "both", DatasetOptions(packages=packages, jobs=2))

    assert contents(tmp_path / "alone") == contents(tmp_path / "both")
    assert list(alone.versions) == ["tree_sitter", "platformdirs"] and "unknown" not in alone.versions.values()
    rows = rows_of(tmp_path / "both")
    assert {row["source"].partition(".")[0] for row in rows} == {"tree_sitter", "platformdirs"}
    assert len({row["prompt"] for row in rows}) == len(rows)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_package_that_is_not_installed_is_named(jobs: int, tmp_path: Path) -> None:
    with pytest.raises(ApiIndexError, match="'no_such_package' is not installed"):
        build_dataset(tmp_path / "out", DatasetOptions(packages=("platformdirs", "no_such_package"), jobs=jobs))

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options",
    [
        {"test_size": 0.5, "valid_size": 0.5},
        {"test_size": 1.0},
        {"test_size": -0.1},
        {"valid_size": -0.1},
        {"valid_size": float("nan")},
        {"test_size": float("inf")},
        {"seq_limit": 63},
    ],
    ids=str,
)
def test_impossible_options_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        build_dataset(tmp_path / "out", DatasetOptions(**options))

    assert not (tmp_path / "out").exists()


def test_a_package_that_documents_nothing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hollow.py").write_text("x = 1\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(DatasetError, match="hollow gave no rows"):
        build_dataset(tmp_path / "out", DatasetOptions(packages=("hollow",)))


@pytest.mark.parametrize(
    "interruption", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "^C"]
)
def test_an_interrupted_write_leaves_the_earlier_dataset(
    interruption: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_dataset(tmp_path, SMALL)
    before = contents(tmp_path)
    write = Path.write_bytes

    def fail(path: Path, data: bytes) -> int:
        write(path, data[:100])
        if path.name.startswith("test"):
            raise interruption
        return len(data)

    monkeypatch.setattr(Path, "write_bytes", fail)

    with pytest.raises((StorageError, KeyboardInterrupt)) as raised:
        build_dataset(tmp_path, replace(SMALL, seed=1))

    assert contents(tmp_path) == before
    if isinstance(interruption, OSError):
        assert str(tmp_path) in str(raised.value) and "No space left" in str(raised.value)


@pytest.mark.parametrize("where", ["file", "file/folder"])
def test_a_folder_that_cannot_be_made_is_named(where: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")

    with pytest.raises(StorageError, match=f"could not be written to {tmp_path / where}"):
        build_dataset(tmp_path / where, SMALL)

    assert (tmp_path / "file").read_text("utf-8") == "in the way"
