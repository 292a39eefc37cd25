"""How long lines may be, as the tools that format them would read it."""

from pathlib import Path

import pytest

from tenny_lsp.features.line_length import DEFAULT, line_length


@pytest.mark.parametrize(
    ("name", "text", "length"),
    [
        ("pyproject.toml", "[tool.ruff]\nline-length = 120\n", 120),
        ("pyproject.toml", "[tool.black]\nline-length = 99\n", 99),
        ("ruff.toml", "line-length = 100", 100),
        (".ruff.toml", "line-length = 101", 101),
        ("pyproject.toml", "[project]\nname = 'x'\n", DEFAULT),
        ("pyproject.toml", "[tool]\nruff = 3\n", DEFAULT),
        ("pyproject.toml", "tool = 'x'", DEFAULT),
        ("pyproject.toml", "[tool.ruff]\nline-length = 'long'\n", DEFAULT),
        ("pyproject.toml", "[tool.ruff]\nline-length = -3\n", DEFAULT),
        ("pyproject.toml", "[[[", DEFAULT),
    ],
)
def test_the_settings_near_the_file_decide(name: str, text: str, length: int, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "deep").mkdir()

    assert line_length(tmp_path / "deep" / "x.py") == length


def test_the_nearest_settings_decide(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 120\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "ruff.toml").write_text("line-length = 79")

    assert line_length(tmp_path / "sub" / "x.py") == 79


def test_what_is_no_file_has_the_usual_length() -> None:
    assert line_length(None) == DEFAULT
