"""The hand-made tables: foreign names, and the pages of MLX's own documentation."""

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from tenny_lsp.mlx_api.foreign import (
    ForeignName,
    counterparts,
    full_name,
    load_foreign_names,
    namesake,
    replacement_for,
    replacement_for_last_part,
)
from tenny_lsp.mlx_api.index import ApiIndex, load_index
from tenny_lsp.mlx_api.pages import documented_pages

DATA = Path(__file__).parents[2] / "tenny_lsp" / "data"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> ApiIndex:
    return load_index(cache=tmp_path_factory.mktemp("cache"))


def documented_rows() -> list[list[str]]:
    lines = (DATA / "documented.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def test_every_replacement_is_a_public_name_of_the_installed_mlx(index: ApiIndex) -> None:
    names = {row.mlx for row in load_foreign_names().values() if row.mlx}
    entries = {name: index.resolve(name) for name in names}
    assert {name for name, entry in entries.items() if entry is None or entry.name != name} == set()


def test_every_row_says_something() -> None:
    assert [row.name for row in load_foreign_names().values() if not (row.mlx or row.note)] == []


def test_every_row_holds_only_what_is_read_from_it() -> None:
    rows = load_foreign_names().values()
    assert all(isinstance(row.note, str) and isinstance(row.mlx, str | None) for row in rows)
    assert [row.name for row in rows if row.note and not row.note.endswith((".", "?"))] == []


def test_notes_are_short() -> None:
    assert [row.name for row in load_foreign_names().values() if len(row.note) > 160] == []


def test_there_are_hundreds_of_rows_from_three_libraries() -> None:
    names = load_foreign_names()
    assert len(names) >= 300
    assert {name.split(".")[0] for name in names} == {"torch", "numpy", "jax"}


def test_no_two_rows_are_spellings_of_one_name() -> None:
    names = list(load_foreign_names())
    assert len({full_name(name) for name in names}) == len(names)
    assert [name for name in names if full_name(name) != name] == []


@pytest.mark.parametrize(
    ("name", "mlx"),
    [
        ("torch.cat", "mlx.core.concatenate"),
        ("np.vstack", "mlx.core.concatenate"),
        ("jnp.einsum", "mlx.core.einsum"),
        ("F.relu", "mlx.nn.relu"),
        ("lax.rsqrt", "mlx.core.rsqrt"),
        ("torch.tensor.unsqueeze", "mlx.core.expand_dims"),
        ("torch.tensor", "mlx.core.array"),
        ("torch.optim.AdamW", "mlx.optimizers.AdamW"),
    ],
)
def test_a_customary_spelling_is_understood(name: str, mlx: str) -> None:
    found = replacement_for(name)
    assert found is not None
    assert found.mlx == mlx


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("torch.Tensor.argsort", "torch.argsort"),
        ("np.ndarray.argmax", "numpy.argmax"),
        ("jnp.column_stack", "numpy.column_stack"),
        ("jax.Array.ravel", "numpy.ndarray.ravel"),
    ],
)
def test_a_method_answers_with_the_function_it_repeats(name: str, row: str) -> None:
    found = replacement_for(name)
    assert found is not None
    assert found.name == row


@pytest.mark.parametrize("name", ["nn.Linear", "optim.Adam", "mx.concatenate", "F", "torch.no_such_name", "cat", ""])
def test_an_ambiguous_or_unknown_name_has_no_replacement(name: str) -> None:
    assert replacement_for(name) is None


def test_a_name_without_equivalent_says_what_to_do() -> None:
    found = replacement_for("torch.Tensor.backward")
    assert found is not None
    assert found.mlx is None
    assert "nn.value_and_grad" in found.note


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("mlx.core.std", ["torch.std"]),
        ("mlx.core.array.var", ["torch.var"]),
        ("mlx.core.random.normal", ["torch.normal", "numpy.random.normal", "jax.random.normal"]),
        ("mlx.core.expand_dims", ["torch.unsqueeze"]),
        ("mlx.core.where", ["torch.where"]),
        ("mlx.core.exp", []),
        ("mlx.core.array.split", ["torch.split"]),
        ("mlx.core.mean", ["torch.mean"]),
        ("mlx.core.eye", []),
        ("mlx.core.nonsense", []),
    ],
)
def test_what_is_worth_knowing_who_comes_from_another_library(name: str, rows: list[str]) -> None:
    assert [row.name for row in counterparts(name)] == rows


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("mlx.core.array.view", "torch.Tensor.view"),
        ("mlx.core.equal", "torch.equal"),
        ("mlx.nn.Module.apply", "torch.nn.Module.apply"),
        ("mlx.core.concat", None),
        ("mlx.core.sum", None),
    ],
)
def test_what_only_has_the_same_name_elsewhere(name: str, other: str | None) -> None:
    found = namesake(name)

    assert (found and found.name) == other


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load_foreign_names()["torch.cat"] = ForeignName("torch.cat", None, "")  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        load_foreign_names()["torch.cat"].note = ""  # type: ignore[misc]


def test_documented_names_are_sorted_and_unique() -> None:
    names = [row[0] for row in documented_rows()]
    assert names == sorted(set(names))


def test_documented_rows_name_a_page() -> None:
    assert (DATA / "documented.tsv").read_text("utf-8").startswith("# ")
    rows = documented_rows()
    assert [row for row in rows if len(row) != 2] == []
    assert [row for row in rows if not row[1].startswith("python/") or ".html" not in row[1]] == []
    assert len(documented_pages()) == len(rows) >= 552


def test_documented_names_are_public_names_of_the_installed_mlx(index: ApiIndex) -> None:
    entries = {name: index.resolve(name) for name, _ in documented_rows()}
    assert {name for name, entry in entries.items() if entry is None or entry.name != name} == set()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("x.permute", "torch.Tensor.permute"),
        (".backward", "torch.Tensor.backward"),
        ("optimizer.step", "torch.optim.Optimizer.step"),
        ("opt.zero_grad", "torch.optim.Optimizer.zero_grad"),
        ("model.zero_grad", "torch.nn.Module.zero_grad"),
        ("model.cuda", "torch.nn.Module.cuda"),
        ("self.register_buffer", "torch.nn.Module.register_buffer"),
        ("ModuleList", "torch.nn.ModuleList"),
        ("DataLoader", "torch.utils.data.DataLoader"),
    ],
)
def test_a_name_is_known_by_its_last_part_and_what_its_owner_is_called(name: str, meant: str) -> None:
    found = replacement_for_last_part(name)

    assert found is not None and found.name == meant


def test_an_unknown_last_part_has_no_replacement() -> None:
    assert replacement_for_last_part("x.frobnicate") is None
