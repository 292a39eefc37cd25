"""The command check: list pitfalls as a linter does, and apply their safe fixes."""

import errno
import json
import os
import shutil
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tenny_lsp.cli.app import AsJson, Interpreter, app, err, out
from tenny_lsp.errors import StorageError

if TYPE_CHECKING:
    from tenny_lsp.inference.engine import Engine
    from tenny_lsp.inference.files import Files
    from tenny_lsp.mlx_api.index import ApiIndex
    from tenny_lsp.pitfalls.check import Rules
    from tenny_lsp.source.buffer import Buffer

#: Folders that are skipped, as those whose name starts with a dot are.
_SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages", "venv", "build", "dist"}


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Python files, and folders of them.")],
    fix: Annotated[bool, typer.Option("--fix", help="Put right what is safe to put right.")] = False,
    select: Annotated[list[str] | None, typer.Option(help="Only this pitfall, by its code; may be repeated.")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Not this pitfall; may be repeated.")] = None,
    python: Interpreter = None,
    as_json: AsJson = False,
) -> None:
    """List the pitfalls in files, PyTorch's habits above all; exit status 1 where there are any."""
    from tenny_lsp.inference.files import Files
    from tenny_lsp.mlx_api.index import load_mlx_index
    from tenny_lsp.pitfalls.check import Rules

    rules = Rules(select or (), ignore or ())
    if rules.unknown:
        raise typer.BadParameter(f"there is no pitfall called {', '.join(rules.unknown)}")
    chosen = list(dict.fromkeys(_python_files(paths)))
    index, files = load_mlx_index(python), Files(tuple(path.resolve() for path in paths if path.is_dir()))
    found, fixed = list[dict[str, Any]](), 0
    for path in chosen:
        source = _read(path, is_named=path in paths)
        if source is not None and "mlx" in source.text:
            fixed += fix and _fix(source, index, rules, files)
            found += _pitfalls(source, index, rules, files)
    if as_json:
        out.print_json(json.dumps({"pitfalls": found, "fixed_files": fixed}))
    else:
        _print(found, len(chosen), fixed if fix else None)
    raise typer.Exit(1 if found else 0)


@dataclass(slots=True)
class _Source:
    """A file's text and its encoding."""

    path: Path
    text: str
    encoding: str


def _python_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, inner, names in os.walk(path):
            inner[:] = sorted(name for name in inner if name not in _SKIPPED_FOLDERS and not name.startswith("."))
            inside = (Path(folder) / name for name in sorted(names) if name.endswith(".py"))
            # A link may lead out of what was named.
            yield from (file for file in inside if file.resolve().is_relative_to(path.resolve()))


def _read(path: Path, *, is_named: bool) -> _Source | None:
    try:
        with path.open("rb") as opened:
            encoding, _ = tokenize.detect_encoding(opened.readline)
            opened.seek(0)
            return _Source(path, opened.read().decode(encoding), encoding)
    except (OSError, SyntaxError, ValueError) as error:
        if is_named:
            raise StorageError(f"{path} could not be read: {error}", "Name Python files and folders.") from error
        err.print(f"{path} was left out: {error}", highlight=False, soft_wrap=True)
        return None


def _fix(source: _Source, index: "ApiIndex", rules: "Rules", files: "Files") -> bool:
    """Apply the safe fixes to a file, atomically; return whether it changed."""
    from tenny_lsp.pitfalls.fixes import fixed
    from tenny_lsp.source.buffer import Buffer

    text = fixed(Buffer(source.text), rules, lambda buffer: _evaluator(buffer, source, index, files))
    if text == source.text:
        return False
    target = source.path.resolve()  # what a link leads to, not the link
    beside = None
    try:
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as opened:
            beside = Path(opened.name)
            opened.write(text.encode(source.encoding))
        shutil.copymode(target, beside)
        beside.replace(target)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        err.print(f"{source.path} was left as it is: {error.strerror or error}", highlight=False, soft_wrap=True)
        return False
    source.text = text
    return True


def _evaluator(buffer: "Buffer", source: _Source, index: "ApiIndex", files: "Files") -> "Engine":
    from tenny_lsp.inference.engine import Engine

    return Engine(buffer, index, files, source.path.resolve())


def _pitfalls(source: _Source, index: "ApiIndex", rules: "Rules", files: "Files") -> Iterator[dict[str, Any]]:
    from tenny_lsp.pitfalls.check import pitfalls
    from tenny_lsp.source.buffer import Buffer

    buffer, text = Buffer(source.text), source.text
    for pitfall in pitfalls(_evaluator(buffer, source, index, files), rules):
        yield {
            "path": str(source.path),
            "line": text.count("\n", 0, pitfall.start) + 1,
            "column": pitfall.start - text.rfind("\n", 0, pitfall.start),
            "code": pitfall.code,
            "severity": pitfall.severity,
            "message": pitfall.message,
            "link": pitfall.link,
            "fixes": [fix.title for fix in pitfall.fixes],
            "is_safe_to_fix": any(fix.is_safe for fix in pitfall.fixes),
        }


def _print(found: list[dict[str, Any]], checked: int, fixed: int | None) -> None:
    for one in found:
        place = f"{one['path']}:{one['line']}:{one['column']}"
        out.print(f"{place}: {one['code']}: {one['message']}", highlight=False, soft_wrap=True)
    safe = sum(one["is_safe_to_fix"] for one in found)
    said = f"{_count(len(found), 'pitfall')} in {_count(checked, 'file')}"
    said += (
        f"; {_count(fixed, 'file')} put right" if fixed is not None else f"; --fix puts {safe} right" if safe else ""
    )
    err.print(said, highlight=False, soft_wrap=True)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
