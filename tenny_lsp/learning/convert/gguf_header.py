"""Read the header of a GGUF file: its metadata, and where each tensor lies.

Imports no MLX and trusts no number of the file: any bytes give a header or a BaseModelError.

Source: https://github.com/ggml-org/ggml/blob/9d325133eed396b7bf005a53a83d9747cbd8bde1/docs/gguf.md
"""

import math
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenny_lsp.errors import BaseModelError

Metadata = dict[str, Any]

#: Type number → name, weights in a block, bytes of a block.
_TENSOR_TYPES = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
_SCALAR_CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9

#: A vocabulary of 250,000 needs a fifth of either; a damaged count must not fill the memory.
_MAX_VALUES = 2**22
_MAX_HEADER_BYTES = 2**28
_MAX_DIMENSION = 2**31 - 1

DOWNLOAD_AGAIN = "Download the file again."


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where a tensor lies.

    Attributes:
        shape: The number of weights, rows first, as in MLX; GGUF itself writes columns first.
        type_name: What a weight is: ``"F16"``, ``"Q4_0"``, …
        byte_offset: Its first byte in the file.
        byte_count: How many bytes it takes.
    """

    shape: tuple[int, ...]
    type_name: str
    byte_offset: int
    byte_count: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says of itself; the order of the tensors is the file's."""

    file: Path
    metadata: Metadata
    tensors: dict[str, TensorInfo]

    def text(self, key: str) -> str:
        """Return a string of the metadata.

        Raises:
            BaseModelError: It is missing or no string.
        """
        value = self._value(key)
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def integer(self, key: str, minimum: int = 1) -> int:
        """Return a whole number of the metadata, at least ``minimum``.

        Raises:
            BaseModelError: It is missing, no whole number or too small.
        """
        value = self._value(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self._wrong(key, f"a whole number from {minimum}")
        return value

    def number(self, key: str) -> float:
        """Return a positive number of the metadata, as short as a float32 can be written: 1e-05.

        Raises:
            BaseModelError: It is missing or no positive number.
        """
        value = self._value(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 1e30:
            raise self._wrong(key, "a positive number")
        # 1e-05 in float32 is 9.999999747378752e-06 in float64.
        shorter = (float(f"{value:.{digits}g}") for digits in range(1, 10))
        return next((short for short in shorter if struct.pack("<f", short) == struct.pack("<f", value)), float(value))

    def texts(self, key: str) -> list[str]:
        """Return a list of strings of the metadata.

        Raises:
            BaseModelError: It is missing or holds something else.
        """
        value = self._value(key)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of strings")
        return value

    def _value(self, key: str) -> Any:
        if key not in self.metadata:
            raise BaseModelError(f"{self.file} has no {key} in its metadata", "Convert the model to GGUF again.")
        return self.metadata[key]

    def _wrong(self, key: str, wanted: str) -> BaseModelError:
        return BaseModelError(f"{key} in {self.file} is not {wanted}", "Convert the model to GGUF again.")


def read_header(file: Path) -> GgufHeader:
    """Return the header of a GGUF file of version 2 or 3 that is whole.

    Raises:
        BaseModelError: The file cannot be read, is cut short or damaged, or is one part of several.
    """
    try:
        with file.open("rb") as stream:
            if stream.read(4) != b"GGUF":
                raise BaseModelError(f"{file} is not a GGUF file", "Name a file that ends in .gguf.")
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Reader(data, file).header()
    except OSError as error:
        raise BaseModelError(f"{file} cannot be read: {error.strerror}", "Name a GGUF file.") from error


class _Reader:
    """Read one value after another, none beyond the end of the file."""

    def __init__(self, data: mmap.mmap, file: Path) -> None:
        self._data = data
        self._file = file
        self._position = len("GGUF")
        self._values_left = _MAX_VALUES

    def header(self) -> GgufHeader:
        """Read the whole header."""
        version = self._integer("I")
        if version and version % 2**16 == 0:
            raise BaseModelError(f"{self._file} is big-endian", "Ask for a little-endian file, as nearly all are.")
        if version not in (2, 3):
            raise BaseModelError(f"{self._file} is of GGUF version {version}", "Ask for a file of version 2 or 3.")
        tensor_count, key_count = self._integer("Q"), self._integer("Q")
        metadata: Metadata = {}
        for _ in range(key_count):
            key = self._string()
            if key in metadata:
                raise self._damaged(f"{key} appears twice in the metadata")
            metadata[key] = self._value(self._integer("I"))
        if metadata.get("split.count", 1) not in (0, 1):
            raise BaseModelError(
                f"{self._file} is one of several files",
                "Join them with `llama-gguf-split --merge`, or download the model as one file.",
            )
        return GgufHeader(self._file, metadata, self._tensors(tensor_count, metadata.get("general.alignment", 32)))

    def _tensors(self, count: int, alignment: object) -> dict[str, TensorInfo]:
        if not isinstance(alignment, int) or alignment < 8 or alignment % 8:
            raise self._damaged("general.alignment is not a multiple of 8")
        found: dict[str, TensorInfo] = {}
        for _ in range(count):
            name = self._string()
            if name in found:
                raise self._damaged(f"the tensor {name} appears twice")
            found[name] = self._tensor(name, alignment)
        start = -(-self._position // alignment) * alignment
        tensors = {}
        for name, info in found.items():
            tensors[name] = TensorInfo(info.shape, info.type_name, start + info.byte_offset, info.byte_count)
            if start + info.byte_offset + info.byte_count > len(self._data):
                raise self._incomplete()
        return tensors

    def _tensor(self, name: str, alignment: int) -> TensorInfo:
        """Read where a tensor lies, its offset still relative to the data."""
        dimension_count = self._integer("I")
        if not 1 <= dimension_count <= 4:
            raise self._damaged(f"the tensor {name} has {dimension_count} dimensions")
        columns_first = [self._integer("Q") for _ in range(dimension_count)]
        type_number, offset = self._integer("I"), self._integer("Q")
        if type_number not in _TENSOR_TYPES:
            raise BaseModelError(
                f"The tensor {name} in {self._file} is of type {type_number}, which is not known",
                "Ask for a file in F16, BF16, Q8_0, Q4_1 or Q4_0.",
            )
        type_name, block_weights, block_bytes = _TENSOR_TYPES[type_number]
        if not all(1 <= size <= _MAX_DIMENSION for size in columns_first) or columns_first[0] % block_weights:
            raise self._damaged(f"the tensor {name} of type {type_name} has the sizes {columns_first}")
        if offset % alignment:
            raise self._damaged(f"the tensor {name} starts at byte {offset}")
        byte_count = math.prod(columns_first) // block_weights * block_bytes
        return TensorInfo(tuple(reversed(columns_first)), type_name, offset, byte_count)

    def _value(self, type_number: int) -> Any:
        if type_number == _STRING:
            return self._string()
        if type_number != _ARRAY:
            return self._scalars(type_number, 1)[0]
        item_type, count = self._integer("I"), self._integer("Q")
        if item_type == _STRING:
            return [self._string() for _ in range(count)]
        return self._scalars(item_type, count)

    def _scalars(self, type_number: int, count: int) -> list[Any]:
        if type_number not in _SCALAR_CODES:
            raise self._damaged(f"its metadata holds a value of type {type_number}")
        self._spend(count)
        code = f"<{count}{_SCALAR_CODES[type_number]}"
        return list(struct.unpack(code, self._take(struct.calcsize(code))))

    def _string(self) -> str:
        self._spend(1)
        try:
            return self._take(self._integer("Q")).decode()
        except UnicodeDecodeError as error:
            raise self._damaged("it holds a string that is not UTF-8") from error

    def _integer(self, code: str) -> int:
        value: int = struct.unpack(f"<{code}", self._take(struct.calcsize(f"<{code}")))[0]
        return value

    def _take(self, byte_count: int) -> bytes:
        end = self._position + byte_count
        if end > len(self._data):
            raise self._incomplete()
        if end > _MAX_HEADER_BYTES:
            raise self._damaged("its header is larger than 256 MiB")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def _spend(self, count: int) -> None:
        self._values_left -= count
        if self._values_left < 0:
            raise self._damaged(f"its header counts more than {_MAX_VALUES} values")

    def _incomplete(self) -> BaseModelError:
        return BaseModelError(f"{self._file} is incomplete", DOWNLOAD_AGAIN)

    def _damaged(self, what: str) -> BaseModelError:
        return BaseModelError(f"{self._file} is damaged: {what}", DOWNLOAD_AGAIN)
