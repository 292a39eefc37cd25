"""Models that are converted: quantised and back, from PyTorch's files, and what is refused."""

import json
import shutil
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx_lm
import numpy as np
import pytest

from tenny_lsp.cli.main import main
from tenny_lsp.errors import BaseModelError, StorageError
from tenny_lsp.learning.convert.model import convert_model
from tenny_lsp.learning.convert.options import ConvertOptions
from tenny_lsp.learning.convert.torch_files import read_torch_file
from tests.mlx.torch_writer import Stored

PROMPT = mx.array([[70, 80, 90, 100, 110]])


def logits(folder: Path) -> mx.array:
    model, *_ = mlx_lm.load(str(folder))
    found: mx.array = model(PROMPT).astype(mx.float32)
    return found


def config(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return values


@pytest.mark.parametrize("bits", [2, 3, 4, 5, 6, 8])
def test_a_model_is_quantised_to_any_number_of_bits(bits: int, wide_base: Path, tmp_path: Path) -> None:
    convert_model(wide_base, tmp_path / "packed", ConvertOptions(quantize=True, bits=bits, group_size=32))

    assert config(tmp_path / "packed")["quantization"]["bits"] == bits
    assert mx.isfinite(logits(tmp_path / "packed")).all()


def test_eight_bits_there_and_back_are_nearly_the_model(wide_base: Path, tmp_path: Path) -> None:
    convert_model(wide_base, tmp_path / "packed", ConvertOptions(quantize=True, bits=8, group_size=32))
    convert_model(tmp_path / "packed", tmp_path / "back", ConvertOptions(dequantize=True, dtype="float16"))

    assert not any(key.startswith("quantization") for key in config(tmp_path / "back"))
    assert mx.allclose(logits(wide_base), logits(tmp_path / "back"), atol=0.1)


def test_the_command_quantises_as_convert_py_did(
    wide_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["convert", str(wide_base), str(tmp_path / "new"), "-q", "--q-bits", "4", "--q-group-size", "32"])

    assert ended.value.code == 0 and "is in MLX's format" in capsys.readouterr().out.replace("\n", " ")
    assert config(tmp_path / "new")["quantization"] == {"group_size": 32, "bits": 4, "mode": "affine"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ConvertOptions(bits=8), "Give --quantize, too"),
        (ConvertOptions(mode="mxfp4"), "Give --quantize, too"),
        (ConvertOptions(quantize=True, dequantize=True), "Give one of --quantize and --dequantize"),
        (ConvertOptions(quantize=True, bits=7), "--q-bits is 7"),
        (ConvertOptions(quantize=True, group_size=48), "--q-group-size is 48"),
        (ConvertOptions(quantize=True, mode="mxfp4", bits=3), "has its own bits and groups"),
    ],
)
def test_options_that_do_not_fit_are_named(options: ConvertOptions, said: str, tiny_base: Path, tmp_path: Path) -> None:
    with pytest.raises(BaseModelError, match=said):
        convert_model(tiny_base, tmp_path / "new", options)


def test_what_is_there_is_not_overwritten(tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with pytest.raises(StorageError, match="is there already"):
        convert_model(tiny_base, tmp_path / "new", ConvertOptions())


def test_a_packed_model_is_not_packed_twice(wide_base: Path, tmp_path: Path) -> None:
    convert_model(wide_base, tmp_path / "packed", ConvertOptions(quantize=True, group_size=32))
    with pytest.raises(BaseModelError, match="is quantised already"):
        convert_model(tmp_path / "packed", tmp_path / "twice", ConvertOptions(quantize=True))


# ── PyTorch's files ──


def test_tensors_of_every_type_are_read(tmp_path: Path, write_torch: Callable[[Path, Any], Path]) -> None:
    half = np.array([[1.5, -2.0]], np.float16)
    brain = (np.array([1.0, -3.0], np.float32).view(np.uint32) >> 16).astype(np.uint16)
    content = OrderedDict(
        a=Stored(np.arange(6, dtype=np.float32).reshape(2, 3)),
        b=Stored(half, "HalfStorage"),
        c=Stored(brain, "BFloat16Storage"),
        d=Stored(np.array([2**40], np.int64), "LongStorage"),
    )
    found = read_torch_file(write_torch(tmp_path / "a.bin", content))

    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]] and found["a"].dtype == mx.float32
    assert found["b"].tolist() == [[1.5, -2.0]] and found["b"].dtype == mx.float16
    assert found["c"].tolist() == [1.0, -3.0] and found["c"].dtype == mx.bfloat16
    assert found["d"].tolist() == [2**40]


def test_a_folder_of_bin_files_is_the_model(
    tiny_base: Path, tmp_path: Path, write_torch: Callable[[Path, Any], Path]
) -> None:
    source = Path(shutil.copytree(tiny_base, tmp_path / "source"))
    weights = mx.load(str(source / "model.safetensors"))
    assert isinstance(weights, dict)
    (source / "model.safetensors").unlink()
    rows = [(name, Stored(np.array(value), "HalfStorage")) for name, value in weights.items()]
    for number, part in enumerate((rows[::2], rows[1::2]), 1):
        write_torch(source / f"pytorch_model-{number:05d}-of-00002.bin", OrderedDict(part))
    convert_model(source, tmp_path / "new", ConvertOptions())

    assert mx.array_equal(logits(tiny_base), logits(tmp_path / "new"))


class Hostile:
    """A pickle that would run a command."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("open('/tmp/owned', 'w')",)


def test_a_hostile_pickle_is_refused_and_nothing_runs(
    tiny_base: Path, tmp_path: Path, write_torch: Callable[[Path, Any], Path]
) -> None:
    source = Path(shutil.copytree(tiny_base, tmp_path / "source"))
    (source / "model.safetensors").unlink()
    write_torch(source / "pytorch_model.bin", {"weight": Hostile()})

    with pytest.raises(BaseModelError, match=r"names (__builtin__|builtins)\.exec, which no file of weights needs"):
        convert_model(source, tmp_path / "new", ConvertOptions())
    assert not (tmp_path / "new").exists() and not Path("/tmp/owned").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", {"a": 1}, [1, 2]], ids=["empty", "text", "number", "list"])
def test_what_holds_no_tensors_is_refused(
    content: Any, tmp_path: Path, write_torch: Callable[[Path, Any], Path]
) -> None:
    file = tmp_path / "a.bin"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        write_torch(file, content)
    with pytest.raises(BaseModelError, match=r"a\.bin"):
        read_torch_file(file)


def test_a_tensor_beyond_its_bytes_is_refused(tmp_path: Path, write_torch: Callable[[Path, Any], Path]) -> None:
    class Beyond(Stored):
        def __reduce__(self) -> tuple[Any, ...]:
            rebuild, (storage, _, shape, steps, *rest) = super().__reduce__()
            return rebuild, (storage, 10**6, shape, steps, *rest)

    with pytest.raises(BaseModelError, match="reaches beyond its storage"):
        read_torch_file(write_torch(tmp_path / "a.bin", {"a": Beyond(np.zeros(3, np.float32))}))


def test_a_folder_without_weights_says_what_is_there(tiny_base: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(tiny_base, tmp_path / "source"))
    (source / "model.safetensors").rename(source / "consolidated.00.pth")
    with pytest.raises(BaseModelError, match=r"found: consolidated\.00\.pth"):
        convert_model(source, tmp_path / "new", ConvertOptions())


def test_both_names_of_the_dtype_say_the_new_one(make_base: Callable[[Path], Path], tmp_path: Path) -> None:
    base = make_base(tmp_path / "base")
    (base / "config.json").write_text(json.dumps(config(base) | {"dtype": "float16"}))
    convert_model(base, tmp_path / "new", ConvertOptions(dtype="bfloat16"))

    assert (config(tmp_path / "new")["torch_dtype"], config(tmp_path / "new")["dtype"]) == ("bfloat16", "bfloat16")


def test_a_full_disk_says_so(tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    source = tmp_path / "source"
    shutil.copytree(tiny_base, source)
    (source / "model.safetensors").rename(source / "pytorch_model.bin")
    monkeypatch.setattr("tenny_lsp.learning.convert.model.shutil.copy", full)
    with pytest.raises(StorageError, match="No space left on device"):
        convert_model(source, tmp_path / "new", ConvertOptions())
