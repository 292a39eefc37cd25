"""The command line as a shell sees it: exit status, what is on stdout and what on stderr."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tenny_lsp import __version__, locations
from tenny_lsp.cli.main import main
from tenny_lsp.features.sensitive import kind_sentences
from tenny_lsp.learning.dataset import MANIFEST


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data"), "COLUMNS": "200"}


def tenny(*arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tenny_lsp", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment(home), cwd=home, timeout=120)


def in_process(*arguments: str) -> int:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    return int(raised.value.code or 0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps every command in folders of its own, without any adapter."""
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(locations, "_PACKAGE", tmp_path / "package" / "tenny_lsp")
    monkeypatch.setattr(locations, "user_data_path", lambda *_, **__: tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_version(home: Path) -> None:
    done = tenny("--version", home=home)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"tenny-lsp {__version__}\n", "")


def test_build_dataset(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = home / "deep [red]er" / "data"

    assert in_process("build-dataset", "--package", "platformdirs", "--output", str(folder), "--test-size", "0.2") == 0

    out, err = capsys.readouterr()
    assert err == ""
    assert str(folder) in out.replace("\n", "") and "all rows" in out
    assert json.loads((folder / MANIFEST).read_text("utf-8"))["test_size"] == 0.2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["build-dataset", "--package", "nope"], "The package 'nope' is not installed .*Install it"),
        (
            ["build-dataset", "--package", "mlx-lm"],
            "'mlx-lm' is not the name of a package.*as an import statement does",
        ),
        (["build-dataset", "--python", "/no/python"], "/no/python does not run.*--python"),
        (["build-dataset", "--output", "/dev/null/x"], "could not be written to /dev/null/x.*--output"),
        (["build-dataset", "--test-size", "0.6", "--valid-size", "0.6"], "leave nothing to train on.*add up to less"),
        (["build-dataset", "--seq-limit", "9"], "holds no row.*at least 64"),
        (["ask", "x", "--adapter-path", "/no/adapter"], "The adapter /no/adapter cannot be read.*Train it again"),
        (["roast", "x", "--adapter-path", "/no/adapter"], "The adapter /no/adapter cannot be read.*Train it again"),
        (["roast", "--file", "/no/x.py", "--review"], "/no/x.py could not be read: .*Name a Python file"),
        (["roast", "--file", "/dev/null/x"], "^/dev/null/x could not be read: Not a directory. Name"),
        (["roast", "x", "--model", "/no/base"], "base model /no/base does not exist.*Name a folder"),
        (["ask", "x", "--model", "/dev/null"], "base model /dev/null is not a folder.*Name a folder"),
        (["ask", "x", "--python", "/no/python"], "/no/python does not run: No such file.*--python"),
        (["roast", "--file", sys.executable], "is not Python but binary"),
        (["train", "--iters", "-1"], "^--iters is -1"),
        (["ask", "x", "--model", "/no/base"], "base model /no/base does not exist.*Name a folder"),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, list) else "",
)
def test_an_error_is_one_line_on_stderr(arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert in_process(*arguments) == 1

    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert re.search(said, err)


def test_without_a_model_the_documentation_answers_and_says_where_it_stands(capfd: pytest.CaptureFixture[str]) -> None:
    assert in_process("ask", "what replaces torch.cat?") == 0

    out, err = capfd.readouterr()
    assert out.startswith(
        "torch.cat is mx.concatenate in MLX. dim is called axis.\n\n    keys = mx.zeros((1, 8, 10, 64))\n"
    )
    assert "\n\nmx.concatenate  Concatenate the" in out
    assert "https://ml-explore.github.io/mlx/build/html/python/_autosummary/mlx.core.concatenate.html" in out
    assert "There is no trained adapter." in err


def test_what_is_not_about_mlx_gets_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    assert in_process("ask", "how do I bake bread?") == 0
    assert capfd.readouterr().out.endswith(" is about that.\n")
    assert in_process("ask", "how do I bake bread?", "--json") == 0
    assert json.loads(capfd.readouterr().out)["answer"] is None


def test_a_comment_may_begin_as_an_option_does(capfd: pytest.CaptureFixture[str]) -> None:
    assert in_process("roast", "-- this query went from 9 minutes to 200 ms", "--json") == 0
    assert json.loads(capfd.readouterr().out)["comment"].startswith("-- this query")


def test_a_roast_without_a_trained_model_is_hand_written_and_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    assert in_process("roast", "# TODO: fix this properly later") == 0

    out, err = capfd.readouterr()
    assert out.count("\n") == 1 and out.endswith(".\n")
    assert "This was written by hand." in err
    assert in_process("roast", "# TODO: fix this properly later", "--json") == 0
    said = json.loads(capfd.readouterr().out)
    assert said == {
        "comment": "# TODO: fix this properly later",
        "sentiment": "Negative",
        "roast": out.strip(),
        "generated": False,
    }


def test_a_comment_comes_from_standard_input(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("# é 🦀\n"))

    assert in_process("roast", "-", "--json", "--again") == 0

    assert json.loads(capfd.readouterr().out)["comment"] == "# é 🦀"


@pytest.mark.parametrize(
    ("given", "status", "said"),
    [(b"mlx\0", 1, "not text but binary"), (b"# \xff", 1, "not text but binary"), (b"", 2, "is empty")],
    ids=["null byte", "no utf-8", "nothing"],
)
def test_standard_input_without_text_is_said(given: bytes, status: int, said: str, home: Path) -> None:
    command = [sys.executable, "-m", "tenny_lsp", "roast", "-"]
    variables = {**environment(home), "PYTHONIOENCODING": "utf-8:strict"}
    done = subprocess.run(command, input=given, capture_output=True, env=variables, cwd=home)

    assert done.returncode == status
    assert said in done.stderr.decode() and "Traceback" not in done.stderr.decode()


def test_a_closed_standard_input_is_empty(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", None)

    assert in_process("roast", "-") == 2
    assert "the comment is empty" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "said"), [("", "the file is empty"), ("x = 1\n", "no line is telling")])
def test_a_file_without_a_remark_says_so(text: str, said: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "x.py").write_text(text, "utf-8")

    assert in_process("roast", "--file", "x.py") == 0

    out, err = capsys.readouterr()
    assert out == "" and f"x.py: {said}\n" in err


def test_the_place_of_line_100_is_no_emoji(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "x.py").write_text("import mlx.core as mx\n" + "\n" * 98 + "y = mx.cat([])\n", "utf-8")

    assert in_process("check", "x.py") == 1
    assert capsys.readouterr().out.startswith("x.py:100:5: ")


def test_what_the_output_cannot_encode_is_escaped(home: Path) -> None:
    variables = {**environment(home), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "tenny_lsp", "build-dataset", "--package", "platformdirs"]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=home)

    assert (done.returncode, done.stderr) == (0, "")
    assert " \\u2192 dataset (" in done.stdout


def test_again_is_another_remark_each_time_and_without_it_the_same(capfd: pytest.CaptureFixture[str]) -> None:
    def said(*options: str) -> str:
        assert in_process("roast", "# sort by name", *options) == 0
        return capfd.readouterr().out

    first = said()
    others = [said("--again") for _ in range(3)]

    assert len({first, *others}) == 4
    assert said() == first


def test_a_review_again_is_another(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (home / "x.py").write_text("try:\n    pass\nexcept:\n    pass\n", "utf-8")

    reviews = set()
    for options in ([], ["--again"], ["--again"]):
        assert in_process("roast", "--file", "x.py", "--review", *options) == 0
        reviews.add(capfd.readouterr().out)

    assert len(reviews) == 3


def test_nothing_to_joke_about_is_answered_in_a_plain_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    assert in_process("roast", "# my father died, he wrote this", "--json") == 0

    assert json.loads(capfd.readouterr().out)["roast"] in kind_sentences()


def test_a_file_is_reviewed_line_by_line(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (home / "x.py").write_text("import mlx.core as mx\n# temporary\ndef f(a=[]): return mx.cat(a)\n", "utf-8")

    assert in_process("roast", "--file", "x.py") == 0

    first, second, third = capfd.readouterr().out.splitlines()
    assert re.fullmatch(r"x\.py:2: .+[.?!]", first)
    assert second.startswith("x.py:3: The default of a is made once and shared by every call. ")
    assert third.startswith("x.py:3: `mx` has no `cat`. MLX has `mx.concatenate`. ")
    assert in_process("roast", "--file", "x.py", "--review", "--json") == 0
    review = json.loads(capfd.readouterr().out)
    assert [(remark["line"], remark["kind"]) for remark in review["remarks"]] == [
        (2, "comment"),
        (3, "mutable-default"),
        (3, "pitfall"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["roast"],
        ["roast", "  "],
        ["roast", "# x", "--review"],
        ["roast", "--review"],
        ["roast", "# x", "--file", "x.py"],
        ["roast", "# "],
        ["roast", '"""  """'],
        ["roast", "--file", ""],
        ["check", ""],
        ["check", "--json", "--output-format", "sarif"],
        ["check", "--diff", "--statistics"],
        ["check", "--diff", "--json"],
        ["check", "--statistics", "--output-format", "github"],
        ["evaluate", "--data", ""],
        ["train", "--data", ""],
        ["build-dataset", "--output", ""],
        ["convert", "", "out"],
        ["convert", "in", ""],
        ["generate", "-p", "x", "--adapter-path", ""],
        ["roast", "# x", "--file", "x.py", "--review"],
        ["roast", "--agian"],
        ["roast", "# x", "--agian"],
        ["dance"],
        ["build-dataset", "--format", "xml"],
        ["build-dataset", "--jobs", "many"],
        ["ask"],
        ["ask", "  "],
        ["serve", "--tcp", "--stdio"],
        ["serve", "--tcp", "--port", "99999"],
        ["--log-level", "loud", "doctor"],
    ],
    ids=" ".join,
)
def test_bad_usage_is_2(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert in_process(*arguments) == 2
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="needs pipes")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--help"], ""),
        (
            ["build-dataset", "--package", "platformdirs"],
            "The output was closed before everything was written. Read it whole, or into a file.\n",
        ),
    ],
    ids=["help", "build-dataset"],
)
def test_a_closed_pipe_is_1_without_a_traceback(arguments: list[str], said: str, home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tenny_lsp", *arguments],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(home),
            cwd=home,
        )
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (1, said)


def test_control_c_is_130(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tenny_lsp.learning.dataset.build_dataset", interrupted)

    assert in_process("build-dataset") == 130
    assert "Traceback" not in capfd.readouterr().err


def test_models_lists_what_there_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = locations.fetched_folder("owner/large")
    base.mkdir(parents=True)
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(bytes(2_000_000))
    values = {"name": "owner/large", "origin": "a hub", "licence": "mit", "sha256": "12ab", "can": {"chat": True}}
    (base / "card.json").write_text(json.dumps(values))

    in_process("models", "--json")
    (_, found) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["bytes"], found["adapters"]) == ("owner/large", 2_000_000, [])

    (base / "card.json").write_text("")
    in_process("models")
    said = capsys.readouterr().out
    assert "owner/large: The base's card" in said and "tenny-lsp fetch smollm2" in said


def test_a_tokenizer_is_for_a_file(home: Path) -> None:
    assert in_process("fetch", "--tokenizer", str(home)) == 2


def test_a_base_that_cannot_be_fetched_is_an_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert in_process("fetch", "nobody") == 1
    assert "Tenny knows no base called nobody" in capsys.readouterr().err
