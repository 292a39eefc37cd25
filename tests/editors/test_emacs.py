"""Emacs with eglot and with lsp-mode, configured as docs/editors.md says, against the real server."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.editors.conftest import HERE, NET, Run, drive, found, require_emacs_package
from tests.editors.documentation import blocks

#: What makes a clean Emacs a quiet one; a user has answered lsp-mode's question long ago.
QUIET = """
(setq native-comp-deferred-compilation nil native-comp-jit-compilation nil)
(setq lsp-auto-guess-root t)
"""
#: Emacs as it is installed, without a package that others may have brought along.
NO_MARKDOWN = "(setq package-load-list '((markdown-mode nil) all))\n"
OTHER = f"""
(lsp-register-client
 (make-lsp-client :new-connection (lsp-stdio-connection '("{sys.executable}" "{HERE / "other_server.py"}"))
                  :activation-fn (lsp-activate-on "python") :priority 10 :server-id 'other))
"""
CLIENTS = ("eglot", "lsp-mode")


@pytest.fixture(scope="module")
def emacs() -> str:
    return found("emacs", "emacs-nox", "elpa-eglot", "elpa-lsp-mode")


def driven(folder: Path, emacs: str, client: str, more: str = "", **how: str) -> Run:
    require_emacs_package(emacs, client, f"elpa-{client}")
    early = QUIET + (NO_MARKDOWN if client == "eglot" else "")
    files = {".emacs.d/early-init.el": early, ".emacs.d/init.el": blocks(f"Emacs, {client}", "elisp")[0] + more}
    return drive(folder, [emacs, "-nw", "-l", str(HERE / "drive.el")], files, **how)


@pytest.fixture(scope="module", params=CLIENTS)
def run(request: pytest.FixtureRequest, emacs: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return driven(tmp_path_factory.mktemp("emacs"), emacs, request.param)


def test_hover_shows_the_card_without_markup_and_nothing_where_there_is_no_mlx(run: Run) -> None:
    assert run["hover"].startswith("mx.zeros(\n    shape: int | Sequence[int],\n")
    assert "Construct an array of zeros." in run["hover"]
    assert "- shape (int or list(int)): The shape of the output array." in run["hover"]
    assert "```" not in run["hover"]
    assert run["silent"] is None


def test_completion_puts_the_right_name_first(run: Run) -> None:
    assert run["completion"][0] == "concatenate"
    assert run["completed"] == "z = mx.concatenate"


def test_a_pitfall_is_shown_and_fixed(run: Run) -> None:
    (pitfall,) = run["diagnostics"]
    assert "MLX has `mx.concatenate`" in pitfall
    assert run["fixed"] == "y = mx.concatenate([x, x], axis=0)"


def test_a_roast_is_shown_and_inserted_only_when_it_is_wanted(run: Run) -> None:
    assert run["roast"]["comment"] == "temporary hack, remove after the demo"
    assert run["roast"]["roast"] in run["prompts"][0]
    assert run["dismissed"] == {"modified": False, "lines": NET.split("\n")}
    before, after = NET.split("\n"), run["inserted"]["lines"]
    assert [*before[:3], *before[3:]] == [*after[:3], *after[-len(before) + 3 :]]
    assert len(after) > len(before) and after[3].startswith("# ")
    assert run["inserted"]["disk"] == before and run.disk == NET.splitlines()


def test_a_review_is_shown_and_taken_back(run: Run) -> None:
    assert any("made once and shared by every call" in remark for remark in run["review"])
    assert any("bare except" in remark for remark in run["review"])


def test_a_question_is_answered(run: Run) -> None:
    assert "torch.cat is mx.concatenate in MLX. dim is called axis." in run["messages"]
    assert not re.search("error|not insert", run["messages"], re.IGNORECASE)


def test_the_server_says_nothing_to_the_log_and_ends_with_the_editor(run: Run) -> None:
    assert set(run["log"]) <= {""}
    assert (run.status, run.left) == (0, [])


@pytest.mark.parametrize("client", CLIENTS)
def test_every_block_is_lisp(client: str, emacs: str, tmp_path: Path) -> None:
    for block in blocks(f"Emacs, {client}", "elisp"):
        file = tmp_path / "block.el"
        file.write_text(f"(progn {block}\n)", "utf-8")
        read = f'(with-temp-buffer (insert-file-contents "{file}") (check-parens) (read (current-buffer)))'
        subprocess.run([emacs, "--batch", "-Q", "--eval", read], check=True)


@pytest.mark.parametrize("client", CLIENTS)
def test_no_process_outlives_a_restart_or_an_editor_that_is_killed(client: str, emacs: str, tmp_path: Path) -> None:
    run = driven(tmp_path, emacs, client, scene="open", end="kill")

    assert "Construct an array of zeros." in str(run["again"])
    assert (run.status, run.left) == (-9, [])


def test_lsp_mode_shows_what_two_servers_say(emacs: str, tmp_path: Path) -> None:
    run = driven(tmp_path, emacs, "lsp-mode", OTHER, scene="beside")

    assert "the other server knows zeros" in run["mlx"]
    assert "Construct an array of zeros." in run["mlx"]
    assert run["other"].strip() == "the other server knows len"
