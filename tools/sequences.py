"""Cut encoded texts into the sequences of a training step."""

from pathlib import Path

import numpy as np


class Part:
    """A part of the corpus as sequences, which begin at a document's start where possible.

    Args:
        path (Path): Its ``.npy`` of ids.
        length (int): Tokens a sequence, its last target included.
    """

    def __init__(self, path: Path, length: int) -> None:
        self.ids = np.load(path)
        self.length = length
        documents = np.load(path.with_suffix(".starts.npy"))
        places, place = [], 0
        while place + length < len(self.ids):
            places.append(place)
            last = int(documents[np.searchsorted(documents, place + length, side="right") - 1])
            place = last if last > place else place + length
        self.places = np.array(places)
        self._order = (-1, self.places)

    def sequence(self, number: int) -> np.ndarray:
        """Return ``int64 (length,)`` ids: the ``number``-th sequence, each epoch in another order."""
        epoch, index = divmod(number, len(self.places))
        if self._order[0] != epoch:
            self._order = (epoch, np.random.default_rng(epoch).permutation(self.places))
        place = self._order[1][index]
        return self.ids[place : place + self.length].astype(np.int64)
