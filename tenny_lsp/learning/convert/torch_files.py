"""Read the tensors of PyTorch's ``.bin`` and ``.pth`` files without PyTorch, and without running what they hold.

Such a file is a zip archive of a pickle and the tensors' bytes. A pickle may name any function to be called; here only
the few that make a tensor of bytes exist, and whatever else it names is refused.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from tenny_lsp.errors import BaseModelError

_NEXT_STEP = "Get the model as safetensors, or convert it where it was made."
#: PyTorch's storages → NumPy's and MLX's types of their bytes.
_STORAGES: dict[str, tuple[Any, mx.Dtype]] = {
    "FloatStorage": (np.float32, mx.float32),
    "HalfStorage": (np.float16, mx.float16),
    "BFloat16Storage": (np.uint16, mx.bfloat16),
    "LongStorage": (np.int64, mx.int64),
    "IntStorage": (np.int32, mx.int32),
    "ShortStorage": (np.int16, mx.int16),
    "CharStorage": (np.int8, mx.int8),
    "ByteStorage": (np.uint8, mx.uint8),
    "BoolStorage": (np.bool_, mx.bool_),
}


@dataclass(frozen=True, slots=True)
class _Storage:
    values: Any
    dtype: mx.Dtype


def read_torch_file(file: Path) -> dict[str, mx.array]:
    """Return the tensors of a file by name.

    Raises:
        BaseModelError: The file is damaged, of an older format, or holds anything but tensors.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            name = next((name for name in archive.namelist() if name.endswith("/data.pkl")), "")
            if not name:
                raise BaseModelError(f"{file} is no archive of PyTorch's", _NEXT_STEP)
            found = _TensorUnpickler(archive, name.removesuffix("data.pkl"), file).load()
    except (zipfile.BadZipFile, OSError, pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError) as error:
        raise BaseModelError(f"{file} cannot be read: {error}", _NEXT_STEP) from error
    except (TypeError, AttributeError) as error:  # a pickle that calls what there is with what does not fit
        raise BaseModelError(f"{file} is damaged: {error}", _NEXT_STEP) from error
    tensors = found.get("state_dict", found) if isinstance(found, dict) else None
    if not isinstance(tensors, dict) or not all(isinstance(value, mx.array) for value in tensors.values()):
        raise BaseModelError(f"{file} holds more than tensors by name", _NEXT_STEP)
    return {str(name): value for name, value in tensors.items()}


class _TensorUnpickler(pickle.Unpickler):
    """Unpickles tensors, and the dictionaries that hold them."""

    def __init__(self, archive: zipfile.ZipFile, folder: str, file: Path) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}data.pkl")))
        self._archive, self._folder, self._file = archive, folder, file

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may name; anything else is refused, and never imported."""
        allowed: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch._utils", "_rebuild_parameter"): _parameter,
        }
        if module == "torch" and name in _STORAGES:
            return name
        if (module, name) not in allowed:
            raise BaseModelError(f"{self._file} names {module}.{name}, which no file of weights needs", _NEXT_STEP)
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the bytes of a storage."""
        _, kind, key, _, count = pid
        numpy_type, dtype = _STORAGES[kind]
        values = np.frombuffer(self._archive.read(f"{self._folder}data/{key}"), numpy_type)
        if len(values) < count:
            raise ValueError(f"storage {key} is too short")
        return _Storage(values, dtype)


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> mx.array:
    """Make a tensor as ``torch._utils._rebuild_tensor_v2`` does."""
    last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    if min((offset, *shape, *stride)) < 0 or (0 not in shape and last >= len(storage.values)):
        raise ValueError("a tensor reaches beyond its storage")
    steps = tuple(step * storage.values.itemsize for step in stride)
    values = np.lib.stride_tricks.as_strided(storage.values[offset:], shape, steps, writeable=False)
    array = mx.array(np.ascontiguousarray(values).reshape(shape))
    return array.view(mx.bfloat16) if storage.dtype == mx.bfloat16 else array


def _parameter(tensor: mx.array, *_: Any) -> mx.array:
    return tensor
