"""What is released: one version everywhere, a workflow without passwords, an extension with all that it needs."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenny_lsp import __version__
from tools import release_check

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.name: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
RELEASE = WORKFLOWS["release.yml"]
FILES = [
    *("extension/package.json", "extension/readme.md", "extension/LICENSE.txt"),
    *("extension/dist/extension.js", "extension/dist/client.js"),
    *("extension/bundled/server/__main__.py", "extension/bundled/server/requirements.lock"),
    f"extension/bundled/tenny_lsp-{__version__}-py3-none-any.whl",
]


def test_there_is_one_version() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    lock = json.loads((ROOT / "extension" / "package-lock.json").read_text("utf-8"))
    manifest = json.loads((ROOT / "extension" / "package.json").read_text("utf-8"))

    assert 'dynamic = ["version"]' in project and not re.search(r"^version\b", project, re.MULTILINE)
    assert {manifest["version"], lock["version"], lock["packages"][""]["version"]} == {__version__}


def test_everything_is_tried_before_anything_is_published() -> None:
    jobs: dict[str, Any] = RELEASE["jobs"]
    publishing = {name: job for name, job in jobs.items() if name != "check"}

    assert jobs["check"]["strategy"]["matrix"]["os"] == ["ubuntu-24.04", "macos-15"]
    assert any(step.get("run") == "make release-check" for step in jobs["check"]["steps"])
    assert jobs["attest"]["needs"] == "check"
    assert all(job["needs"] in ("check", "attest") for job in publishing.values())
    assert all(job["if"] == "startsWith(github.ref, 'refs/tags/')" for job in publishing.values())


def test_a_job_may_do_no_more_than_it_needs() -> None:
    jobs: dict[str, Any] = RELEASE["jobs"]

    assert all(workflow["permissions"] == {"contents": "read"} for workflow in WORKFLOWS.values())
    assert jobs["pypi"]["permissions"] == {"id-token": "write"}
    assert jobs["attest"]["permissions"] == {"id-token": "write", "attestations": "write"}
    assert "permissions" not in jobs["check"]
    assert not re.search("password|api-token", json.dumps(jobs["pypi"]))


def packed(folder: Path, names: list[str], version: str = __version__) -> Path:
    vsix = folder / "tenny.vsix"
    with zipfile.ZipFile(vsix, "w") as archive:
        for name in names:
            archive.writestr(name, json.dumps({"version": version}) if name.endswith("package.json") else "x")
    return vsix


def test_a_whole_extension_passes(tmp_path: Path) -> None:
    release_check.check_vsix(packed(tmp_path, FILES))


@pytest.mark.parametrize("left_out", FILES)
def test_an_extension_that_lacks_a_file_does_not(left_out: str, tmp_path: Path) -> None:
    with pytest.raises((SystemExit, KeyError)):
        release_check.check_vsix(packed(tmp_path, [name for name in FILES if name != left_out]))


@pytest.mark.parametrize(
    "added", ["extension/node_modules/a.js", "extension/src/a.ts", "extension/bundled/other-1-py3-none-any.whl"]
)
def test_an_extension_that_holds_more_does_not(added: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        release_check.check_vsix(packed(tmp_path, [*FILES, added]))


def test_an_extension_of_another_version_or_too_large_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match=r"of version 9\.9"):
        release_check.check_vsix(packed(tmp_path, FILES, version="9.9"))
    monkeypatch.setattr(release_check, "MAX_VSIX_BYTES", 100)
    with pytest.raises(SystemExit, match="MB: at most"):
        release_check.check_vsix(packed(tmp_path, FILES))


def test_a_wheel_that_lacks_its_base_or_holds_tests_does_not_pass(tmp_path: Path) -> None:
    def wheel(names: list[str]) -> Path:
        file = tmp_path / "tenny_lsp.whl"
        with zipfile.ZipFile(file, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        return file

    release_check.check_wheel(wheel([*release_check.WHEEL_WANTED]))
    with pytest.raises(SystemExit, match="lacks"):
        release_check.check_wheel(wheel([*release_check.WHEEL_WANTED[1:]]))
    with pytest.raises(SystemExit, match="holds tests"):
        release_check.check_wheel(wheel([*release_check.WHEEL_WANTED, "tests/test_a.py"]))
