"""What ``check`` has found in the Static Analysis Results Interchange Format, which code hosts and editors read.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tenny_lsp import __version__
from tenny_lsp.cli.check_formats import in_line, rules_by_code
from tenny_lsp.cli.check_listing import CheckReport, ListedPitfall, UncheckedFile

_LEVELS = {"error": "error", "warning": "warning", "information": "note"}
#: What the paths of files are relative to: the folder that the check was run in.
_ROOT = "%SRCROOT%"


def sarif_log(report: CheckReport) -> dict[str, Any]:
    """Return a log of version 2.1.0 with one run, ready for JSON."""
    codes = list(dict.fromkeys(one.pitfall.code for one in report.found))
    known = rules_by_code()
    rules = [{"id": code, "shortDescription": {"text": known[code][0]}, "helpUri": known[code][1]} for code in codes]
    run = {
        "tool": {"driver": {"name": "tenny-lsp", "version": __version__, "rules": rules}},
        "columnKind": "utf16CodeUnits",
        "originalUriBaseIds": {_ROOT: {"uri": f"{Path.cwd().as_uri().rstrip('/')}/"}},
        "invocations": [
            {
                "executionSuccessful": not report.unchecked,
                "toolExecutionNotifications": [_notification(one) for one in report.unchecked],
            }
        ],
        "results": [_result(one, codes.index(one.pitfall.code)) for one in report.found],
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return {"$schema": schema, "version": "2.1.0", "runs": [run]}


def _notification(one: UncheckedFile) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": f"{in_line(one.path)} {one.reason}"},
        "locations": [{"physicalLocation": {"artifactLocation": _artifact(one.path)}}],
    }


def _result(one: ListedPitfall, rule: int) -> dict[str, Any]:
    pitfall, artifact = one.pitfall, _artifact(one.path)
    location = {"artifactLocation": artifact, "region": _region(one, pitfall.start, pitfall.end)}
    result = {
        "ruleId": pitfall.code,
        "ruleIndex": rule,
        "level": _LEVELS[pitfall.severity],
        "message": {"text": pitfall.message},
        "locations": [{"physicalLocation": location}],
    }
    fixes = []
    for fix in pitfall.fixes:
        if fix.is_safe:
            replacements = [
                {"deletedRegion": _region(one, edit.start, edit.end), "insertedContent": {"text": edit.text}}
                for edit in fix.edits
            ]
            changes = [{"artifactLocation": artifact, "replacements": replacements}]
            fixes.append({"description": {"text": fix.title}, "artifactChanges": changes})
    return result | ({"fixes": fixes} if fixes else {})


def _region(one: ListedPitfall, start: int, end: int) -> dict[str, int]:
    (line, column), (end_line, end_column) = one.lines.place_utf16(start), one.lines.place_utf16(end)
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _artifact(path: Path) -> dict[str, Any]:
    absolute, root = Path(os.path.abspath(path)), Path.cwd()  # noqa: PTH100 - links stay where they lie
    if not absolute.is_relative_to(root):
        return {"uri": absolute.as_uri()}
    inside = absolute.relative_to(root)
    return {"uri": quote(os.fsencode(inside.as_posix())), "uriBaseId": _ROOT}
