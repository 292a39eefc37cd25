"""Neovim, configured as docs/editors.md says, against the real server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.editors.conftest import HERE, NET, Run, drive, found
from tests.editors.documentation import blocks

OTHER = f'{{ "{sys.executable}", "{HERE / "other_server.py"}" }}'
#: The second server's configuration: in Neovim 0.11, and before.
OTHER_NEW = f"""
vim.lsp.config("other", {{ cmd = {OTHER}, filetypes = {{ "python" }}, root_markers = {{ ".git" }} }})
vim.lsp.enable("other")
"""
OTHER_OLD = f"""
vim.api.nvim_create_autocmd("FileType", {{ pattern = "python", callback = function(event)
  local other = vim.lsp.start_client({{ name = "other", cmd = {OTHER}, root_dir = vim.fn.getcwd() }})
  vim.lsp.buf_attach_client(event.buf, other)
end }})
"""


@pytest.fixture(scope="module")
def nvim() -> str:
    """The Neovim that is tested: ``$TENNY_NVIM``, or the one that is installed."""
    return found(os.environ.get("TENNY_NVIM", "nvim"), "neovim")


def is_new(nvim: str) -> bool:
    return version_of(nvim) >= (0, 11)


def shows_hints(nvim: str) -> bool:
    return version_of(nvim) >= (0, 10)


def version_of(nvim: str) -> tuple[int, int]:
    said = subprocess.run([nvim, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.match(r"NVIM v(\d+)\.(\d+)", said)
    assert version is not None
    return int(version[1]), int(version[2])


def documented(nvim: str) -> str:
    """Returns the documented configuration for this version."""
    if is_new(nvim):
        return "".join(blocks("Neovim 0.11 and newer", "lua")[:2])
    return blocks("Neovim 0.7 to 0.10", "lua")[0]


def documented_beside(nvim: str) -> str:
    """Returns the documented configuration beside another server, and that server's."""
    if is_new(nvim):
        return "".join(blocks("Neovim 0.11 and newer", "lua")) + OTHER_NEW
    usual, hover_first = blocks("Neovim 0.7 to 0.10", "lua")
    replaced = usual.replace('map("K", "hover", vim.lsp.buf.hover)', "hover_first(client, buffer)")
    assert replaced != usual
    return hover_first + replaced + OTHER_OLD


def driven(folder: Path, nvim: str, configuration: str, scene: str = "all", end: str = "quit") -> Run:
    command = [nvim, "--headless", "-n", "-c", f"luafile {HERE / 'drive.lua'}"]
    return drive(folder, command, {".config/nvim/init.lua": configuration}, scene=scene, end=end)


@pytest.fixture(scope="module")
def run(nvim: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return driven(tmp_path_factory.mktemp("neovim"), nvim, documented(nvim))


def test_hover_shows_the_card_and_nothing_where_there_is_no_mlx(run: Run) -> None:
    text = "\n".join(run["hover"])

    assert "mx.zeros(" in text
    assert "Construct an array of zeros." in text
    assert "- `shape` (`int or list(int)`): The shape of the output array." in text
    assert run["silent"] == []


def test_completion_puts_the_right_name_first_and_once(run: Run) -> None:
    assert run["completion"][0] == "concatenate"
    assert len(set(run["completion"])) == len(run["completion"])
    assert run["completed"] == "z = mx.concatenate"


def test_a_pitfall_is_shown_and_fixed(run: Run) -> None:
    (pitfall,) = run["diagnostics"]
    assert pitfall[1:3] == ["foreign-function", "Tenny"]
    assert "MLX has `mx.concatenate`" in pitfall[3]
    assert run["fixed"] == "y = mx.concatenate([x, x], axis=0)"


def test_hints_say_the_shapes_of_arrays(nvim: str, run: Run) -> None:
    if not shows_hints(nvim):
        pytest.skip("Neovim shows hints from 0.10 on; TENNY_NVIM names another one")

    assert run["hints"] == [[3, 1, ": (2, 3) float32"]]


def test_a_roast_is_shown_and_inserted_only_when_it_is_wanted(run: Run) -> None:
    assert run["roast"]["comment"] == "temporary hack, remove after the demo"
    assert run["roast"]["roast"]
    assert run["dismissed"] == {"modified": False, "lines": NET.splitlines()}
    before, after = NET.splitlines(), run["inserted"]["lines"]
    assert [*before[:3], *before[3:]] == [*after[:3], *after[-len(before) + 3 :]]
    assert len(after) > len(before) and after[3].startswith("# ")
    assert run["inserted"]["disk"] == run.disk == before


def test_a_review_is_shown_and_taken_back(run: Run) -> None:
    assert any("made once and shared by every call" in message for _, message in run["review"])
    assert any("bare except" in message for _, message in run["review"])


def test_a_question_is_answered(run: Run) -> None:
    assert "torch.cat is mx.concatenate in MLX. dim is called axis." in run["messages"]


def test_the_server_says_nothing_to_the_log_and_ends_with_the_editor(run: Run) -> None:
    assert run["log"] == []
    assert (run.status, run.left) == (0, [])


@pytest.mark.parametrize("heading", ["Neovim 0.11 and newer", "Neovim 0.7 to 0.10"])
def test_what_is_written_for_other_versions_is_lua(heading: str, nvim: str, tmp_path: Path) -> None:
    for block in blocks(heading, "lua"):
        (tmp_path / "block.lua").write_text(block, "utf-8")
        check = f"lua vim.cmd(loadfile('{tmp_path / 'block.lua'}') and 'qa!' or 'cq')"
        subprocess.run([nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", check], check=True)


def test_no_process_outlives_an_editor_that_is_killed(nvim: str, tmp_path: Path) -> None:
    run = driven(tmp_path, nvim, documented(nvim), scene="open", end="kill")

    assert (run.status, run.left) == (-9, [])


def test_beside_another_server_there_is_one_hover(nvim: str, tmp_path: Path) -> None:
    run = driven(tmp_path, nvim, documented_beside(nvim), scene="beside")

    (mlx,), (other,) = run["mlx"], run["other"]
    assert "Construct an array of zeros." in mlx
    assert "other server" not in "\n".join(mlx)
    assert other == ["the other server knows len"]
