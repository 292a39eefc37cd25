"""``tenny.cynicalReview`` and ``tenny.clearReview`` through their handler."""

from pathlib import Path

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.lsp.handlers import review
from tests.unit.lsp.fakes import URI, Editor, FakeModel

CODE = "import mlx.core as mx\ny = mx.sum(mx.zeros(3), dim=0)\n# TODO: tidy up\nz = 1\n"


def editor(folder: Path, model: FakeModel | None = None) -> Editor:
    made = Editor(review, model=model, options={"roast": {"adapterPath": str(folder)}})
    made.open(CODE)
    return made


def shown(editor: Editor) -> list[str]:
    """Returns the remarks that were published last."""
    return editor.client.published[-1][1]


async def test_a_remark_on_each_telling_line_one_after_the_other(tmp_path: Path) -> None:
    made = editor(tmp_path)

    assert await made.command("tenny.cynicalReview", URI) == {"remarks": 2}
    assert [len(messages) for _, messages, _ in made.client.published] == [0, 1, 2]
    assert shown(made)[0].startswith("`mlx.core.sum` has no argument `dim`; MLX calls it `axis`.")
    assert made.client.reports == [(1, 2), (2, 2)] and made.client.titles == ["Tenny reviews"]


async def test_a_part_of_the_file(tmp_path: Path) -> None:
    part = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 5}}

    assert await editor(tmp_path).command("tenny.cynicalReview", URI, part) == {"remarks": 1}


async def test_remarks_follow_their_lines_and_end_with_them(tmp_path: Path) -> None:
    made = editor(tmp_path)
    await made.command("tenny.cynicalReview", URI)
    pitfall, todo = shown(made)

    made.edit("# new\n" + CODE)
    assert shown(made) == [pitfall, todo]
    made.edit("# new\n" + CODE.replace("tidy up", "tidied up"))
    assert shown(made) == [pitfall]
    before = len(made.client.published)
    made.edit("# new\n" + CODE.replace("tidy up", "tidied up").replace("z = 1", "z = 2"))
    assert len(made.client.published) == before, "nothing has changed for the remarks"


async def test_they_are_taken_back(tmp_path: Path) -> None:
    made = editor(tmp_path)
    await made.command("tenny.cynicalReview", URI)

    await made.command("tenny.clearReview", URI)
    assert shown(made) == []
    published = len(made.client.published)
    await made.command("tenny.clearReview", URI)
    assert len(made.client.published) == published
    await made.command("tenny.cynicalReview", URI)
    made.close()
    assert shown(made) == []


async def test_a_model_that_fails_leaves_the_hand_written_ones(tmp_path: Path) -> None:
    model = FakeModel(ModelUnavailable("It is gone", "Call it back."))

    assert await editor(tmp_path, model).command("tenny.cynicalReview", URI) == {"remarks": 2}


async def test_a_document_that_is_not_there(tmp_path: Path) -> None:
    assert await editor(tmp_path).command("tenny.cynicalReview", "file:///gone.py") is None
