"""The output formats of ``check``: JSON, GitHub's annotations, SARIF and statistics."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_cli import home as home
from tests.unit.test_cli import in_process

#: A crab is one code point and two UTF-16 code units; a lone carriage return ends a line, as in editors.
TEXT = 'import mlx.core as mx\r\nx = mx.zeros((2, 3))\rs = "🦀"; y = mx.cat([x], dim=0)\nz = x[\n    x > 0\n]\n'


@pytest.fixture
def wrong(home: Path) -> Path:
    path = home / "src" / "a, b:1.py"
    path.parent.mkdir()
    path.write_bytes(TEXT.encode())
    return path.relative_to(home)


def test_json_is_the_same_by_either_option(wrong: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process("check", "--json", "src", "missing.py") == 2
    first = capsys.readouterr().out
    assert in_process("check", "--output-format", "json", "src", "missing.py") == 2
    assert first == capsys.readouterr().out

    found = json.loads(first)
    places = [(one["line"], one["column"], one["end_line"], one["end_column"]) for one in found["pitfalls"]]
    assert places == [(3, 14, 3, 20), (4, 5, 6, 2)]
    assert found["pitfalls"][0]["path"] == str(wrong)
    assert found["errors"] == [
        {"path": "missing.py", "message": "could not be read: No such file or directory"},
    ]
    assert (found["fixed"], found["fixed_files"]) == (0, 0)
    assert in_process("check", "--json", "--fix", "--exit-zero", "src") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["fixed"], found["fixed_files"], len(found["pitfalls"])) == (1, 1, 1)


def test_github_is_told_places_with_its_escapes(wrong: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process("check", "--output-format", "github", "src") == 1

    first, second = capsys.readouterr().out.splitlines()
    file = f"{home}/src/a%2C b%3A1.py"
    assert first.startswith(
        f"::error file={file},line=3,endLine=3,col=14,endColumn=20,title=tenny (foreign-function)::"
        "src/a, b:1.py:3:14: foreign-function: `mx` has no `cat`."
    )
    assert second.startswith(f"::error file={file},line=4,endLine=6,title=tenny (boolean-index)::src/a, b:1.py:4:5: ")


def test_github_gets_one_line_whatever_a_file_is_called(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "50%\n.py").write_text("import mlx.core as mx\nmx.cat([])\n", "utf-8")

    assert in_process("check", "--output-format", "github") == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert "/50%25%0A.py,line=2" in line and "::50%25%0A.py:2:1: " in line
    assert in_process("check") == 1
    assert capsys.readouterr().out.startswith("50%\\n.py:2:1: ")


def sarif(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    in_process("check", "--output-format", "sarif", *arguments)
    log = json.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def test_sarif_has_rules_results_and_places_in_utf16(
    wrong: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = sarif(capsys, "src")

    assert run["columnKind"] == "utf16CodeUnits"
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"uri": f"{home.as_uri()}/"}}
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    driver = run["tool"]["driver"]
    assert driver["name"] == "tenny-lsp" and [rule["id"] for rule in driver["rules"]] == [
        "foreign-function",
        "boolean-index",
    ]
    assert all(rule["shortDescription"]["text"] and rule["helpUri"].startswith("https://") for rule in driver["rules"])
    first, second = run["results"]
    assert (first["ruleId"], first["ruleIndex"], first["level"]) == ("foreign-function", 0, "error")
    assert first["message"]["text"].startswith("`mx` has no `cat`.")
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "src/a%2C%20b%3A1.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 3, "startColumn": 15, "endLine": 3, "endColumn": 21},
    }
    (fix,) = first["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 3, "startColumn": 15, "endLine": 3, "endColumn": 33},
            "insertedContent": {"text": "mx.concatenate([x], axis=0)"},
        }
    ]
    assert second["ruleIndex"] == 1 and "fixes" not in second


def test_sarif_has_syntax_errors_and_what_could_not_be_checked(
    home: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "a.py"
    outside.write_text("def f(:\n", "utf-8")

    run = sarif(capsys, str(outside), "missing.py")

    (result,) = run["results"]
    assert result["ruleId"] == "syntax-error"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": outside.as_uri()}
    (invocation,) = run["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert not invocation["executionSuccessful"]
    assert notification["message"]["text"] == "missing.py could not be read: No such file or directory"


def test_statistics_count_each_pitfall(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "a.py").write_text(TEXT + "y = mx.cat([x])\n", "utf-8")

    assert in_process("check", "--statistics") == 1
    said, summary = capsys.readouterr()
    assert said.splitlines() == [
        "2  foreign-function  [*] A function that MLX calls otherwise",
        "1  boolean-index     [ ] `x[mask]` read",
    ]
    assert summary == "3 pitfalls in 1 file; --fix puts 2 right\n"
    assert in_process("check", "--statistics", "--json", "--exit-zero") == 0
    assert json.loads(capsys.readouterr().out)[0] == {
        "code": "foreign-function",
        "title": "A function that MLX calls otherwise",
        "count": 2,
        "fixable_count": 2,
    }


def test_a_path_that_is_no_text_is_shown_with_escapes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        Path("x\udcff.py").write_text("import mlx.core as mx\nmx.cat([])\n", "utf-8")
    except OSError:
        pytest.skip("names of files are text here")

    for output in ("text", "json", "github"):
        assert in_process("check", "--output-format", output) == 1
        assert "xff.py" in capsys.readouterr().out
    run = sarif(capsys)
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "x%FF.py"
