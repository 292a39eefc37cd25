"""Print what ``check`` has found: as lines, JSON, GitHub's annotations, counts of each pitfall, or a diff."""

import difflib
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from tenny_lsp.cli.app import err
from tenny_lsp.cli.check_files import SourceFile
from tenny_lsp.cli.check_listing import SYNTAX_ERROR, CheckReport, ListedPitfall, UncheckedFile

#: GitHub's commands by severity.
_GITHUB = {"error": "error", "warning": "warning", "information": "notice"}


def echo_json(values: Any) -> None:
    """Print values as JSON; without colours, which would take longer than the check."""
    typer.echo(json.dumps(values, indent=2, ensure_ascii=False))


def print_text(report: CheckReport) -> None:
    """Print a line for each pitfall."""
    for one in report.found:
        line, column = one.start
        place = f"{in_line(one.path)}:{line}:{column}"
        typer.echo(f"{place}: {one.pitfall.code}: {one.pitfall.message}")


def print_json(report: CheckReport) -> None:
    """Print one JSON object with all pitfalls."""
    values = {
        "pitfalls": [_values(one) for one in report.found],
        "fixed": report.fixed,
        "fixed_files": report.fixed_files,
        "errors": [{"path": shown(one.path), "message": one.reason} for one in report.unchecked],
    }
    echo_json(values)


def print_github(report: CheckReport) -> None:
    """Print a workflow command for each pitfall, which GitHub shows as an annotation beside the code."""
    for one in report.found:
        (line, column), (end_line, end_column) = one.start, one.end
        about = {"file": shown(Path(os.path.abspath(one.path))), "line": line, "endLine": end_line}  # noqa: PTH100 - keeps links
        if line == end_line:
            about |= {"col": column, "endColumn": end_column}  # GitHub takes columns within one line only
        about["title"] = f"tenny ({one.pitfall.code})"
        listed = ",".join(f"{name}={_escaped(str(value), ':,')}" for name, value in about.items())
        message = _escaped(f"{shown(one.path)}:{line}:{column}: {one.pitfall.code}: {one.pitfall.message}")
        typer.echo(f"::{_GITHUB[one.pitfall.severity]} {listed}::{message}")


def print_statistics(report: CheckReport, *, as_json: bool) -> None:
    """Print how often each pitfall was found, the most frequent first."""
    counts = Counter(one.pitfall.code for one in report.found)
    safe = Counter(one.pitfall.code for one in report.found if one.is_safe_to_fix)
    rules = rules_by_code()
    rows = [
        {"code": code, "title": rules[code][0], "count": count, "fixable_count": safe[code]}
        for code, count in sorted(counts.items(), key=lambda counted: (-counted[1], counted[0]))
    ]
    if as_json:
        echo_json(rows)
        return
    width, longest = (max((len(str(row[key])) for row in rows), default=0) for key in ("count", "code"))
    for row in rows:
        mark = "*" if row["fixable_count"] else " "
        line = f"{row['count']:>{width}}  {row['code']:<{longest}}  [{mark}] {row['title']}"
        typer.echo(line)


def print_diff(source: SourceFile, text: str) -> None:
    """Print what a file's fixes change as a unified diff, in the file's own encoding and line ends."""
    name = in_line(source.path).encode()
    old, new = (_lines_of(content) for content in (source.content, source.encoded(text)))
    for line in difflib.diff_bytes(difflib.unified_diff, old, new, name, name):
        typer.echo(line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n", nl=False)


def _lines_of(content: bytes) -> list[bytes]:
    return [line for line in re.split(rb"(?<=\n)", content) if line]


def print_unchecked(unchecked: Sequence[UncheckedFile]) -> None:
    """Print what could not be checked or written, and why, to stderr."""
    for one in unchecked:
        err.print(f"{in_line(one.path)} {one.reason}", style="red", highlight=False, soft_wrap=True)


def print_summary(report: CheckReport, *, fix: bool, diff: bool) -> None:
    """Print how many pitfalls there are, and how many were put right, to stderr."""
    errors = sum(one.pitfall.code == SYNTAX_ERROR for one in report.found)
    left = counted(len(report.found) - errors, "pitfall")
    also = f" and {counted(errors, 'syntax error')}" if errors else ""
    fixed = f"{counted(report.fixed, 'pitfall')} in {counted(report.fixed_files, 'file')}"
    safe = sum(one.is_safe_to_fix for one in report.found)
    if diff:
        said = f"Would fix {fixed}" + (f"; {counted(errors, 'file')} with a syntax error passed over" if errors else "")
    elif fix:
        said = f"Fixed {fixed}, {len(report.found) - errors} left{also}"
        said += f"; --fix again puts {safe} right" if safe and report.fixed else ""
    else:
        said = f"{left}{also} in {counted(report.checked, 'file')}" + (f"; --fix puts {safe} right" if safe else "")
    err.print(said, highlight=False, soft_wrap=True)


def rules_by_code() -> dict[str, tuple[str, str]]:
    """Return what each pitfall is, in a few words, and the page that explains it, by its code."""
    from tenny_lsp.pitfalls.rules.all import RULES

    syntax_error = "Code that Python cannot parse", "https://docs.python.org/3/reference/grammar.html"
    return {SYNTAX_ERROR: syntax_error, **{rule.code: (rule.title, rule.link) for rule in RULES}}


def shown(path: Path) -> str:
    """Return a path as text; bytes that are no UTF-8 are escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def in_line(path: Path) -> str:
    """Return a path as text without line ends and other control characters."""
    return re.sub(r"[\0-\x1f\x7f]", lambda found: found[0].encode("unicode_escape").decode(), shown(path))


def counted(number: int, noun: str) -> str:
    """Return a number and its noun: ``1 file``, ``2 files``."""
    return f"{number} {noun}{'s' * (number != 1)}"


def _values(one: ListedPitfall) -> dict[str, Any]:
    (line, column), (end_line, end_column) = one.start, one.end
    return {
        "path": shown(one.path),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "code": one.pitfall.code,
        "severity": one.pitfall.severity,
        "message": one.pitfall.message,
        "link": one.pitfall.link,
        "fixes": [fix.title for fix in one.pitfall.fixes],
        "is_safe_to_fix": one.is_safe_to_fix,
    }


def _escaped(text: str, also: str = "") -> str:
    """Return a text as GitHub's workflow commands take it; ``also`` names what a property has to escape besides."""
    return "".join(f"%{ord(sign):02X}" if sign in f"%\r\n{also}" else sign for sign in text)
