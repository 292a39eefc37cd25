"""Write the README's tree anew: each file with the first line of its docstring. ``make tree`` runs it."""

import ast
import re
from pathlib import Path

#: The folders of the tree whose files are listed one by one, and where these lie.
LISTED = {name: name for name in ("server", "tenny_lsp", "tools", "benchmarks")} | {"extension": "extension/src"}
_README = Path("README.md")


def lines(folder: Path, indent: str) -> list[str]:
    """Return the lines of a folder's own files, then those of the packages in it."""
    found = []
    for file in sorted([*folder.glob("*.py"), *folder.glob("*.ts")]):
        if file.name != "__init__.py":
            found.append(f"{indent}{file.name:<18} {_first_line(file)}")
    for package in sorted(path.parent for path in folder.glob("*/__init__.py")):
        found.append(f"{indent}{package.name + '/':<18} {_first_line(package / '__init__.py')}")
        found += lines(package, indent + "  ")
    return found


def _first_line(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    comment = re.match(r"/\*\* (.*) \*/", text)
    docstring = comment[1] if comment else ast.get_docstring(ast.parse(text)) if file.suffix == ".py" else None
    if docstring is None:
        raise SystemExit(f"{file} has no docstring")
    return docstring.splitlines()[0]


def _is_data(path: Path) -> bool:
    """Return whether a folder holds no Python: it is described by hand."""
    return path.is_dir() and not (path / "__init__.py").exists()


def main() -> None:
    """Replaces, under each listed folder's line, the lines of its modules and packages."""
    text = _README.read_text(encoding="utf-8")
    for name, folder in LISTED.items():
        block = re.compile(rf"(^    {name}/.*\n)((?:      .*\n)*)", re.MULTILINE)
        match = block.search(text)
        if match is None:
            raise SystemExit(f"README.md has no line for {name}/")
        by_hand = [line for line in match[2].splitlines() if _is_data(Path(name) / line.split()[0])]
        text = text[: match.end(1)] + "\n".join([*lines(Path(folder), "      "), *by_hand]) + "\n" + text[match.end() :]
    _README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
