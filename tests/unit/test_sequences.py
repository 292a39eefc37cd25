"""The sequences of a part of the corpus: all of them in each epoch, each epoch in another order."""

from pathlib import Path

import numpy as np

from tools.sequences import Part


def part(folder: Path) -> Part:
    lengths = [7, 3, 12, 5, 30, 4, 9, 16]
    np.save(folder / "code.npy", np.arange(sum(lengths), dtype=np.uint16))
    np.save(folder / "code.starts.npy", np.concatenate([[0], np.cumsum(lengths)[:-1]]))
    return Part(folder / "code.npy", 5)


def test_an_epoch_has_every_sequence_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    code = part(tmp_path)
    count = len(code.places)
    epochs = [[tuple(code.sequence(number)) for number in range(n * count, (n + 1) * count)] for n in range(2)]
    assert len(set(epochs[0])) == count > 5
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]


def test_a_sequence_is_the_same_whoever_asked_for_another_before(tmp_path: Path) -> None:
    code, other = part(tmp_path), part(tmp_path)
    later = len(code.places) + 2
    code.sequence(later)
    assert list(code.sequence(1)) == list(other.sequence(1))
    assert list(code.sequence(later)) == list(other.sequence(later))


def test_sequences_begin_where_a_document_does_if_they_can(tmp_path: Path) -> None:
    starts = set(np.load((part(tmp_path), tmp_path)[1] / "code.starts.npy").tolist())
    assert sum(int(place) in starts for place in part(tmp_path).places) >= 5
