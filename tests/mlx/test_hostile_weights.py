"""Weights that somebody else wrote: whatever their bytes, they are refused with a reason; nothing is run."""

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
import pytest

from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.learning.convert.model import convert_model
from tenny_lsp.learning.convert.npz import read_npz
from tenny_lsp.learning.convert.options import ConvertOptions
from tenny_lsp.model import wire
from tests.mlx.test_convert import Hostile
from tests.mlx.test_worker import PROMPT, RawWorker, start, text_of, write_adapter, write_base


def tensor(**changes: Any) -> dict[str, Any]:
    return {"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16], **changes}}


#: Headers of safetensors files, or their bytes; and a length that is not theirs.
HEADERS: dict[str, tuple[Any, int | None]] = {
    "longer than any file": (tensor(), 2**63 - 1),
    "a terabyte": (tensor(), 10**12),
    "beyond the file": (tensor(shape=[1000, 1000], data_offsets=[0, 4_000_000]), None),
    "before the data": (tensor(data_offsets=[-16, 0]), None),
    "backwards": (tensor(data_offsets=[16, 0]), None),
    "offsets that overflow": (tensor(data_offsets=[2**62, 2**62 + 16]), None),
    "a shape that overflows": (tensor(shape=[2**31, 2**31]), None),
    "a negative shape": (tensor(shape=[-2, -2]), None),
    "a shape that is text": (tensor(shape="ab"), None),
    "a type that is none": (tensor(dtype="F99"), None),
    "a list": ([1], None),
    "a tensor that is text": ({"a": "x"}, None),
    "no JSON": (b"{{{{", None),
    "deep": (b"[" * 200_000, None),
    "empty": (b"", None),
}


def write_weights(file: Path, kind: str) -> None:
    header, length = HEADERS[kind]
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(content) if length is None else length) + content + bytes(64))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def worker(base: Path) -> Iterator[RawWorker]:
    with start(base) as process:
        yield RawWorker(process)
        process.stdin.close()
        assert process.wait(10) == 0


@pytest.mark.parametrize("kind", HEADERS)
def test_an_adapter_of_any_header_is_refused_and_the_worker_goes_on(
    kind: str, worker: RawWorker, base: Path, tmp_path: Path
) -> None:
    folder = write_adapter(tmp_path / "adapter", base)
    write_weights(folder / "adapters.safetensors", kind)

    worker.send(wire.Generate(1, PROMPT, 5, adapter=str(folder)))
    failure = worker.until(wire.Failure)

    assert (failure.id, failure.kind) == (1, "adapter") and str(folder) in failure.what
    assert text_of(worker, wire.Generate(2, PROMPT, 5))[1].id == 2


@pytest.mark.parametrize("kind", ["a terabyte", "beyond the file", "a negative shape", "no JSON", "deep"])
def test_a_base_of_any_header_ends_the_worker_with_a_reason(kind: str, tmp_path: Path) -> None:
    folder = write_base(tmp_path / "bad")
    write_weights(folder / "model.safetensors", kind)

    with start(folder) as process:
        failure = RawWorker(process).until(wire.Failure)
        assert (failure.kind, failure.id) == ("base", None)
        assert process.wait(10) == 1


@pytest.mark.parametrize("kind", HEADERS)
def test_a_base_of_any_header_is_not_converted(kind: str, tmp_path: Path) -> None:
    folder = write_base(tmp_path / "bad")
    write_weights(folder / "model.safetensors", kind)

    with pytest.raises(BaseModelError):
        convert_model(folder, tmp_path / "new", ConvertOptions())
    assert not (tmp_path / "new").exists()


def test_a_hostile_pickle_of_metas_is_refused_and_nothing_runs(
    tmp_path: Path, write_torch: Callable[[Path, Any], Path]
) -> None:
    folder = write_base(tmp_path / "source")
    (folder / "model.safetensors").unlink()
    (folder / "params.json").write_text(json.dumps({"dim": 32, "n_layers": 2, "n_heads": 2}))
    write_torch(folder / "consolidated.00.pth", {"weight": Hostile()})

    with pytest.raises(BaseModelError, match=r"exec, which no file of weights needs"):
        convert_model(folder, tmp_path / "new", ConvertOptions())
    assert not (tmp_path / "new").exists() and not Path("/tmp/owned").exists()


def test_a_pickle_in_an_archive_of_arrays_is_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", weights=np.array([Hostile()], dtype=object))

    with pytest.raises(AdapterError, match="cannot be read"):
        read_npz(tmp_path / "a.npz")
    assert not Path("/tmp/owned").exists()


def test_whole_weights_are_not_refused(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "good")
    convert_model(folder, tmp_path / "new", ConvertOptions())

    assert mx.load(str(tmp_path / "new" / "model.safetensors"))
    shutil.rmtree(tmp_path / "new")
