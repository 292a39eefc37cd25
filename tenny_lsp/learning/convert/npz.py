"""Read the adapters of mlx-examples' lora.py: ``adapters.npz``, or a book's ``tenny.npz``."""

from pathlib import Path
from typing import cast

import mlx.core as mx

from tenny_lsp.errors import AdapterError


def read_npz(file: Path) -> dict[str, mx.array]:
    """Return the weights of an adapter that lora.py trained; no pickled object is read.

    Raises:
        AdapterError: The file is missing, is no archive of arrays, or holds what is no array.
    """
    try:
        weights = cast("dict[str, mx.array]", mx.load(str(file), format="npz"))
        mx.eval(list(weights.values()))
    except (OSError, ValueError, RuntimeError) as error:
        raise AdapterError(f"{file} cannot be read: {error}", "Name the .npz file that lora.py wrote.") from error
    return weights
