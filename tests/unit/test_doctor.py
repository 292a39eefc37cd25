"""``tenny-lsp doctor``: what it says of a machine where all is well, and of each thing that may be wrong."""

import getpass
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenny_lsp import __version__, locations
from tenny_lsp.cli.main import main
from tenny_lsp.doctor import mlx, storage
from tenny_lsp.doctor.component import cleaned_text
from tenny_lsp.doctor.mlx import examine_mlx
from tenny_lsp.model.bases import BaseCard
from tests.unit.test_cli import tenny

Doctor = Callable[[], tuple[int, dict[str, dict[str, Any]]]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything of Tenny's."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


@pytest.fixture
def doctor(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """Runs the command in this process, without a model; returns its status and what it says of each component."""
    monkeypatch.setattr("tenny_lsp.doctor.times.worker_model", lambda *_, **__: None)

    def run() -> tuple[int, dict[str, dict[str, Any]]]:
        with pytest.raises(SystemExit) as raised:
            main(["doctor", "--json"])
        found = json.loads(capsys.readouterr().out)
        assert found["works"] == all(one["state"] != "broken" for one in found["components"])
        return int(raised.value.code or 0), {one["name"]: one for one in found["components"]}

    return run


def broken(found: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, component in found.items() if component["state"] == "broken"}


def base(name: str, weights: bytes = b"", sha256: str = "") -> Path:
    """Fetches a base: a copy of the embedded one, with other weights or another hash on its card if any are given."""
    folder = locations.fetched_folder(name)
    shutil.copytree(locations.embedded_base(), folder)
    if weights:
        (folder / "model.safetensors").write_bytes(weights)
    from tenny_lsp.model.identity import base_sha256

    card = BaseCard(name, "a hub", "mit", sha256 or base_sha256(folder))
    (folder / "card.json").write_text(json.dumps(card.values()))
    return folder


def adapter(base: str = "") -> Path:
    """Trains an adapter: a copy of the shipped one."""
    shipped = locations.shipped_adapter()
    assert shipped is not None
    return Path(shutil.copytree(shipped, locations.trained_adapter(base)))


def test_all_is_well(home: Path) -> None:
    done = tenny("doctor", "--json", home=home)

    found = json.loads(done.stdout)
    components = {one["name"]: one for one in found["components"]}
    assert (done.returncode, done.stderr, found["works"], found["tenny_lsp"]) == (0, "", True, __version__)
    assert broken(components) == set()
    assert components["MLX"]["values"]["memory_bytes"] > 2**28
    assert components["BLAS"]["values"]["matmul_gflops"] > 0 and components["BLAS"]["values"]["threads"] >= 1
    assert components["index"]["values"]["version"] == components["MLX"]["values"]["version"]
    assert "as it should be" in components["base embedded"]["detail"]
    assert components["base smollm2"]["state"] == "absent"
    for timed in ("hover", "roast"):
        assert components[timed]["values"]["second_s"] > 0 and components[timed]["values"]["first_s"] > 0


def test_a_table_says_what_to_do(home: Path, doctor: Doctor, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["doctor"])

    out = capsys.readouterr().out
    assert "not there" in out and "→ tenny-lsp fetch smollm2" in out


def test_nothing_private_is_said(home: Path, doctor: Doctor) -> None:
    base("owner/name")
    adapter()

    status, found = doctor()

    text = json.dumps(found)
    assert status == 0
    assert str(home) not in text and found["cache"]["detail"].startswith("~/XDG_CACHE_HOME/tenny-lsp")
    assert found["base owner/name"]["values"]["folder"].startswith("~/")


def test_names_of_user_and_machine_are_left_out_of_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    monkeypatch.setattr("socket.gethostname", lambda: "analytical")

    said = "/home/ada/x, /home/adam/x, /scratch/ada, /net/analytical/ada/y and Canada"
    assert cleaned_text(said) == "~/x, /home/adam/x, /scratch/<user>, /net/<machine>/<user>/y and Canada"


@pytest.mark.parametrize("named", ["/", "/home/a+b"])
def test_a_home_of_any_name(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", named)

    assert cleaned_text("/usr/bin, /home/a+b/x") == ("/usr/bin, /home/a+b/x" if named == "/" else "/usr/bin, ~/x")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV", id="segfault"),
        pytest.param("raise ImportError('no library')", "MLX cannot be imported: no library", id="import error"),
        pytest.param("raise SystemExit(0)", "did not answer", id="silence"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="has no signals")
def test_an_mlx_that_breaks_the_process_that_imports_it(
    code: str, said: str, home: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "fake" / "mlx").mkdir(parents=True)
    (home / "fake" / "mlx" / "__init__.py").touch()
    (home / "fake" / "mlx" / "core.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(home / "fake"), os.environ.get("PYTHONPATH", "")]))

    status, found = doctor()

    assert (status, broken(found)) == (1, {"MLX"})
    assert said in found["MLX"]["detail"] and "pip install" in found["MLX"]["next_step"]
    assert found["hover"]["state"] == "works" and "written by hand" in found["roast"]["detail"]


def test_an_mlx_that_hangs_is_given_up(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "mlx").mkdir()
    (home / "mlx" / "__init__.py").touch()
    (home / "mlx" / "core.py").write_text("import time\ntime.sleep(600)")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(home), os.environ.get("PYTHONPATH", "")]))

    found = examine_mlx(answer_in_s=1.0)

    assert found[0].state == "broken" and "has not answered within 1 seconds" in found[0].detail


def test_no_mlx(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"transformers": "5.23.0", "tokenizers": "0.23.3"}
    monkeypatch.setattr(mlx, "package_version", versions.get)
    monkeypatch.setattr(mlx, "_asked", lambda _: "the process that imported it ended with status 1: no mlx")
    monkeypatch.setattr("tenny_lsp.mlx_api.environment.search_paths", lambda _=None: ())

    status, found = doctor()

    assert (status, broken(found)) == (1, {"MLX", "MLX-LM"})
    assert found["MLX"]["detail"].startswith("is not installed for ")
    assert found["MLX-LM"]["next_step"].endswith("-m pip install mlx-lm")
    assert found["index"]["state"] == "absent" and "snapshot" in found["index"]["detail"]
    assert found["hover"]["state"] == "works"


def test_a_whole_base_and_adapter(doctor: Doctor) -> None:
    base("owner/name")
    adapter("owner/name")

    status, found = doctor()

    assert (status, broken(found)) == (0, set())
    assert "as it should be" in found["base owner/name"]["detail"]
    assert "your own" in found["adapter mlx-docs for owner/name"]["detail"]


@pytest.mark.parametrize("damage", ["truncated", "other", "no card", "torn card", "no weights", "pipe", "code"])
def test_a_damaged_base(damage: str, doctor: Doctor) -> None:
    folder = base("owner/name", sha256="12ab" * 16 if damage == "other" else "")
    weights = folder / "model.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "no weights":
        weights.unlink()
    elif damage == "pipe":
        weights.unlink()
        os.mkfifo(weights)
    elif damage == "code":
        (folder / "config.json").write_text('{"model_file": "evil.py"}')
    elif damage == "no card":
        (folder / "card.json").unlink()
    elif damage == "torn card":
        (folder / "card.json").write_text("{")

    status, found = doctor()

    assert (status, broken(found)) == (1, {"base owner/name"})
    assert found["base owner/name"]["next_step"] == "tenny-lsp fetch owner/name"


@pytest.mark.parametrize("damage", ["truncated", "no configuration", "torn card", "no header"])
def test_a_damaged_adapter(damage: str, doctor: Doctor) -> None:
    folder = adapter()
    weights = folder / "adapters.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1])
    elif damage == "no header":
        weights.write_bytes(b"\xff" * 40)
    elif damage == "no configuration":
        (folder / "adapter_config.json").unlink()
    else:
        (folder / "card.json").write_text("[]")

    status, found = doctor()

    assert (status, broken(found)) == (1, {"adapter mlx-docs for embedded"})
    assert "tenny-lsp train" in found["adapter mlx-docs for embedded"]["next_step"]


def test_an_adapter_for_another_base(doctor: Doctor) -> None:
    card = adapter() / "card.json"
    values = json.loads(card.read_text())
    card.write_text(json.dumps(values | {"base": values["base"] | {"sha256": "12ab" * 16}}))

    status, found = doctor()

    assert (status, broken(found)) == (1, {"adapter mlx-docs for embedded"})
    assert "was made for another base" in found["adapter mlx-docs for embedded"]["detail"]


def test_a_cache_that_cannot_be_written(home: Path, doctor: Doctor) -> None:
    (home / "XDG_CACHE_HOME").write_text("a file where the folder should be")

    status, found = doctor()

    assert status == 1 and "cache" in broken(found)
    assert "cannot be written: " in found["cache"]["detail"]


def test_a_full_disk(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: usage._replace(free=5_000_000))

    status, found = doctor()

    assert (status, broken(found)) == (1, {"free disk, cache", "free disk, bases and adapters"})


@pytest.mark.parametrize("is_whole", [True, False])
@pytest.mark.skipif(sys.platform != "linux", reason="folders of Linux")
def test_what_editors_start(is_whole: bool, home: Path, doctor: Doctor) -> None:
    environment = home / "XDG_CONFIG_HOME" / "Code" / "User" / "globalStorage" / "tenny-lsp.tenny" / "0a-311-x"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").touch()
    if is_whole:
        (environment / "tenny-ready.json").touch()
    (home / ".vscode" / "extensions" / "tenny-lsp.tenny-0.0.9").mkdir(parents=True)

    status, found = doctor()

    assert status == 0
    assert found["server's environment"]["state"] == ("works" if is_whole else "absent")
    assert found["VS Code extension"]["detail"].startswith("0.0.9 in ~/.vscode")
    assert __version__ in found["VS Code extension"]["next_step"]


def test_an_interpreter_without_mlx(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["doctor", "--json", "--python", str(home / "nowhere" / "python")])

    components = {one["name"]: one for one in json.loads(capsys.readouterr().out)["components"]}
    assert (raised.value.code, broken(components)) == (1, {"index"})
