"""What starts the command line."""

import sys
from types import ModuleType

import pytest

from tenny_lsp.__main__ import main


class Interrupted(ModuleType):
    """A module during whose import Ctrl-C comes."""

    def __getattr__(self, name: str) -> object:
        raise KeyboardInterrupt


def test_ctrl_c_while_the_program_loads_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tenny_lsp.cli.main", Interrupted("tenny_lsp.cli.main"))
    monkeypatch.setattr(sys, "argv", ["tenny-lsp", "train"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130
