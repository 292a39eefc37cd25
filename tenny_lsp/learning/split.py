"""Assign names to the train, valid and test splits."""

from hashlib import sha256
from typing import Literal

Split = Literal["train", "valid", "test"]


def split_of(name: str, *, seed: int, test_size: float, valid_size: float) -> Split:
    """Return the split of an entry, from its name alone, so that it is the same for every MLX version.

    The hash is of the last component in lower case: ``mlx.core.reshape`` and ``mlx.core.array.reshape``, or
    ``mlx.nn.ReLU`` and ``mlx.nn.relu``, say nearly the same and must not stand on both sides.

    Args:
        name (str): The entry's public name.
        seed (int): Another seed gives another split.
        test_size (float): Share of names in test, in [0, 1).
        valid_size (float): Share of names in valid, in [0, 1).
    """
    key = f"{seed}/{name.rsplit('.', 1)[-1].lower()}"
    place = int.from_bytes(sha256(key.encode()).digest()[:8], "big") / 2**64
    if place < test_size:
        return "test"
    return "valid" if place < test_size + valid_size else "train"
