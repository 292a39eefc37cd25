"""What the README and the pages in docs/ say is so: files, commands, make targets, links, settings."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from tenny_lsp.cli.main import app
from tenny_lsp.pitfalls.rules.all import RULES
from tools import build_settings

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
PAGES = [
    ROOT / page
    for page in (
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "adapters/README.md",
        "benchmarks/README.md",
        "extension/README.md",
    )
]
PAGES += [*(ROOT / "docs").glob("*.md"), *(ROOT / "tenny_lsp").rglob("README.md")]


def test_the_readme_fits_a_page() -> None:
    assert README.count("\n") <= 150


def test_every_folder_has_its_line_and_every_line_its_folder() -> None:
    lines = re.findall(r"^    (\w+(?:/\w+)*)/ ", README, re.MULTILINE)
    named = {*lines, *re.findall(r"\b(\w+/\w+)/", README), *re.findall(r"\b(\w+)/", README)}
    packages = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "tenny_lsp").glob("*/__init__.py")}
    packages -= {"tenny_lsp/cli"}  # named after what it is

    assert len(lines) > 10 and all((ROOT / line).is_dir() for line in lines)
    assert packages <= named


def test_every_command_and_make_target_exists() -> None:
    commands = set(re.findall(r"^    tenny-lsp ([a-z][a-z-]+)", README, re.MULTILINE))
    commands |= set(re.findall(r"`tenny-lsp ([a-z][a-z-]+)", README))
    targets = set(re.findall(r"(?:^    |`)make ([\w-]+)", README + CONTRIBUTING, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text("utf-8")

    assert commands >= {"build-dataset", "train", "serve", "ask", "doctor"}
    assert commands <= set(get_command(app).commands)  # type: ignore[attr-defined]
    assert targets >= {"demo", "test", "check"}
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_the_readme_counts_the_rules() -> None:
    assert f"{len(RULES)} kinds" in README


def test_the_settings_page_is_what_the_settings_say() -> None:
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == build_settings.page()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\((?!\w+:|#)([^)#]+)", prose)

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_module_of_the_architecture_exists() -> None:
    named = re.findall(r"`([\w/.]+)`", ARCHITECTURE)
    roots = (ROOT, ROOT / "tenny_lsp", ROOT / "extension" / "src")
    paths = [
        name
        for name in named
        if "/" in name and not name.startswith(("textDocument", "completionItem", "experimental"))
    ]

    assert len(paths) > 40
    assert [
        path for path in paths if not any((root / f"{path}{end}").exists() for root in roots for end in ("", ".py"))
    ] == []
