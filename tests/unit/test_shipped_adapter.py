"""The adapters that come with Tenny: made for their bases, from the data that lies beside them."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tenny_lsp import locations
from tenny_lsp.learning.adapter import check_adapter
from tenny_lsp.learning.dataset import DatasetOptions, build_dataset
from tenny_lsp.learning.formats import row_line
from tenny_lsp.model.adapter_files import CARD_FILE, WEIGHTS_FILE
from tenny_lsp.model.identity import base_name_of
from tenny_lsp.model.prompt_format import prompt_format
from tenny_lsp.model.protocol import ALL_ABILITIES
from tools.check_roasts import ROASTS
from tools.roast_rows import row_of, splits

ADAPTER = Path(__file__).parents[2] / "adapters" / locations.MLX_DOCS


@pytest.fixture
def no_adapter_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


@pytest.mark.usefixtures("no_adapter_of_ones_own")
@pytest.mark.parametrize("name", [locations.MLX_DOCS, locations.CYNIC])
def test_a_fresh_install_finds_it_and_it_fits_the_embedded_base(name: str) -> None:
    adapter = locations.find_adapter(name=name)

    assert adapter == ADAPTER.with_name(name)
    check_adapter(adapter, locations.embedded_base())


@pytest.mark.usefixtures("no_adapter_of_ones_own")
@pytest.mark.parametrize(("name", "prompted"), [(locations.MLX_DOCS, "chat"), (locations.CYNIC, "raw")])
def test_a_fresh_install_finds_those_for_smollm2(name: str, prompted: str) -> None:
    adapter = locations.find_adapter(locations.SMOLLM2, name)

    assert adapter == ADAPTER.parent / locations.SMOLLM2 / name
    assert base_name_of(adapter) == locations.SMOLLM2
    assert prompt_format(adapter, ALL_ABILITIES) == prompted
    assert (adapter / WEIGHTS_FILE).stat().st_size <= 12_000_000


def test_smollm2s_cynic_has_learned_the_roasts_as_they_are() -> None:
    card = json.loads((ADAPTER.parent / locations.SMOLLM2 / locations.CYNIC / CARD_FILE).read_text("utf-8"))
    for name, roasts in zip(("train.jsonl", "valid.jsonl"), splits(), strict=True):
        lines = "".join(row_line(row_of(roast), "completions") for roast in roasts)
        assert sha256(lines.encode()).hexdigest() == card["dataset"]["sha256"][name]


def test_the_cynic_has_learned_the_roasts_as_they_are(tmp_path: Path) -> None:
    options = DatasetOptions(packages=(), roasts=(ROASTS,), test_size=0, valid_size=0.06)
    build_dataset(tmp_path / "roasts", options)
    card = json.loads((ADAPTER.with_name(locations.CYNIC) / CARD_FILE).read_text("utf-8"))

    found = {name: sha256((tmp_path / "roasts" / name).read_bytes()).hexdigest() for name in card["dataset"]["sha256"]}
    assert found == card["dataset"]["sha256"]


def test_its_card_tells_how_good_it_is() -> None:
    scores = json.loads((ADAPTER / CARD_FILE).read_text("utf-8"))["evaluation"]

    assert scores["answers"]["rouge_l"] >= 0.7
    assert scores["answers"]["shown_unfounded"] == 0
