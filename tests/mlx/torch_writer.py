"""Write what PyTorch's ``save`` writes, without PyTorch."""

import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


class Stored:
    """A tensor that is pickled as PyTorch pickles one."""

    def __init__(self, values: Any, kind: str = "FloatStorage") -> None:
        self.values, self.kind = values, kind

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2  # type: ignore[attr-defined]
        steps = tuple(step // self.values.itemsize for step in self.values.strides)
        return rebuild, (Storage(self), 0, self.values.shape, steps, False, OrderedDict())


class Storage:
    """The bytes of a tensor, which are pickled as a name."""

    def __init__(self, tensor: Stored) -> None:
        self.tensor = tensor


@pytest.fixture
def write_torch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, Any], Path]:
    """Returns a function that writes what PyTorch's ``save`` writes; what a pickle names is made up for that."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage", "DoubleStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def write(file: Path, content: Any) -> Path:
        storages: dict[str, bytes] = {}

        class Pickler(pickle.Pickler):
            def persistent_id(self, value: Any) -> Any:
                if not isinstance(value, Storage):
                    return None
                key, tensor = str(len(storages)), value.tensor
                storages[key] = np.ascontiguousarray(tensor.values.T.T).tobytes() if tensor.values.size else b""
                return ("storage", getattr(torch, tensor.kind), key, "cpu", tensor.values.size)

        with zipfile.ZipFile(file, "w") as archive:
            with archive.open("archive/data.pkl", "w") as stream:
                Pickler(stream, protocol=2).dump(content)
            for key, data in storages.items():
                archive.writestr(f"archive/data/{key}", data)
        return file

    return write
