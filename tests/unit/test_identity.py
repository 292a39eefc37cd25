import json
import os
from pathlib import Path

import pytest

from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.model import identity as identities
from tenny_lsp.model.identity import base_fingerprint, base_sha256, check_card, identity, refuse_code


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}" + b"\0" * 8)
    return folder


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapters.safetensors").write_bytes(b"weights")
    return folder


def test_everything_that_decides_an_answer_changes_it(base: Path, adapter: Path) -> None:
    seen = [identity(base, None, "greedy"), identity(base, adapter, "greedy"), identity(base, adapter, "hot")]
    assert identity(base, adapter, "greedy") == seen[1]
    (adapter / "adapters.safetensors").write_bytes(b"WEIGHTS AGAIN")
    seen.append(identity(base, adapter, "greedy"))
    (adapter / "adapter_config.json").write_text('{"num_layers": 1}')
    seen.append(identity(base, adapter, "greedy"))
    (base / "tokenizer.json").write_text("{}")
    seen.append(identity(base, adapter, "greedy"))
    os.utime(base / "model.safetensors", ns=(1, 1))
    seen.append(identity(base, adapter, "greedy"))
    assert len(set(seen)) == len(seen)


def test_the_weights_of_a_base_are_not_read(base: Path) -> None:
    before = base_fingerprint(base)
    path = base / "model.safetensors"
    state = path.stat()
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    identities._header_sha256.cache_clear()
    assert base_fingerprint(base) == before


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_an_incomplete_base_is_named(base: Path, name: str) -> None:
    (base / name).unlink()
    with pytest.raises(BaseModelError, match=str(base)):
        base_fingerprint(base)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapters.safetensors"])
def test_an_incomplete_adapter_is_named(base: Path, adapter: Path, name: str) -> None:
    (adapter / name).unlink()
    with pytest.raises(AdapterError, match=name):
        identity(base, adapter, "greedy")


def test_a_card_decides_whether_the_adapter_fits(base: Path, adapter: Path) -> None:
    check_card(adapter, base)
    (adapter / "card.json").write_text(json.dumps({"base": {"sha256": base_sha256(base)}}))
    check_card(adapter, base)
    (adapter / "card.json").write_text(json.dumps({"base": {"sha256": "0"}}))
    with pytest.raises(AdapterError, match="another base"):
        check_card(adapter, base)
    (adapter / "card.json").write_text("[")
    with pytest.raises(AdapterError, match="card"):
        check_card(adapter, base)


def test_a_base_that_brings_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_file": "evil.py"}')

    with pytest.raises(BaseModelError, match=r"evil\.py"):
        refuse_code(tmp_path)


def test_a_base_of_a_known_architecture_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')

    refuse_code(tmp_path)
