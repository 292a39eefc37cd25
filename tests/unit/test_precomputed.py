"""The answers that come with an adapter."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tenny_lsp.model.precomputed import Precomputed, write_answers
from tenny_lsp.model.protocol import EMBEDDED_ABILITIES


class Fake:
    """A TextModel that keeps what it is asked."""

    identity = "fake"
    can = EMBEDDED_ABILITIES

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_closed = False

    async def complete(self, prompt: str, *, max_tokens: int = 96) -> str:
        self.asked.append(prompt)
        return "from the model"

    async def score(self, text: str, names: Sequence[str]) -> list[float]:
        return [0.0 for _ in names]

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_answers(tmp_path / "answers.jsonl", {"Q: known": "by heart – ½", "Q: empty": ""})
    return tmp_path / "answers.jsonl"


async def test_what_is_known_is_said_without_the_model(file: Path) -> None:
    fake = Fake()
    model = Precomputed(fake, file)

    assert await model.complete("Q: known") == "by heart – ½"
    assert await model.complete("Q: empty") == ""
    assert fake.asked == []


async def test_what_is_not_known_is_asked(file: Path) -> None:
    fake = Fake()
    model = Precomputed(fake, file)

    assert await model.complete("Q: known?") == "from the model"
    assert fake.asked == ["Q: known?"]
    assert (model.identity, model.can) == ("fake", EMBEDDED_ABILITIES)
    await model.close()
    assert fake.is_closed


@pytest.mark.parametrize("content", [b"", b"{", b"[]\n", b'{"prompt": 1}\n', b"\xff\xfe", None])
async def test_a_broken_file_is_as_good_as_none(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "answers.jsonl").write_bytes(content)

    assert await Precomputed(Fake(), tmp_path / "answers.jsonl").complete("Q: known") == "from the model"
