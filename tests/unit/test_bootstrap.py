"""``python server/`` as an editor starts it, on a machine where uv only pretends."""

import os
import subprocess
import sys

import pytest

from tests.unit.bootstrapping import Machine

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pretended programs are shell scripts")
POISON = "import sys, pathlib; pathlib.Path(__file__ + '.ran').touch()\n"


def test_an_environment_is_made_and_becomes_the_server(machine: Machine) -> None:
    machine.uv()

    assert machine.run(said=b"Content-Length: 2\r\n\r\n{}") == (0, b"Content-Length: 2\r\n\r\n{}")

    (environment,) = machine.environments()
    states = machine.states()
    assert [state["percentage"] for state in states[:-1]] == sorted(state["percentage"] for state in states[:-1])
    assert states[-1] == {
        "state": "starting",
        "source": "bundled",
        "python": str(machine.storage / environment / "bin" / "python"),
        "message": states[-1]["message"],
    }
    assert "a line of uv's for stdout" in machine.log().read_text()


def test_what_uv_is_told(machine: Machine) -> None:
    machine.uv()
    machine.run()

    (_, venv, *_), (_, packages, *_), (_, wheel, *_) = machine.calls()
    environment = str(machine.storage / machine.environments()[0])
    assert venv == ["venv", "--python", sys.executable, environment]
    assert packages[-3:] == ["--no-build", "-r", str(machine.bundle / "server" / "requirements.lock")]
    assert "--require-hashes" in packages and f"{environment}/bin/python" in packages
    assert wheel[-2:] == ["--no-deps", str(machine.bundle / "tenny_lsp-9.9.0-py3-none-any.whl")]
    assert {(heard, folder) for _, _, heard, folder in machine.calls()} == {("", str(machine.bundle / "server"))}


def test_the_next_start_just_starts(machine: Machine) -> None:
    machine.uv()
    machine.run()
    machine.uv("raise SystemExit('again?')")

    assert machine.run() == (0, b"initialize")
    assert [state["state"] for state in machine.states()] == ["starting"]


def test_without_leave_nothing_is_made(machine: Machine) -> None:
    machine.uv()

    assert machine.run("--no-install") == (3, b"")
    (state,) = machine.states()
    assert state["state"] == "needsInstall" and state["folder"].startswith(str(machine.storage))
    assert state["next"] and "MB" in state["message"]
    assert not machine.storage.exists() and machine.calls() == []

    machine.run()
    assert machine.run("--no-install") == (0, b"initialize")


@pytest.mark.parametrize(
    "command", [["serve"], ["serve", "--stdio"], ["doctor", "--json"], ["train", "--storage", "x"]]
)
def test_another_command_may_be_meant(command: list[str], machine: Machine) -> None:
    machine.uv()
    machine.run("--stdio", *(command if command != ["serve"] else []))

    assert f"became -I {machine.bundle / 'server' / 'run_server.py'} {' '.join(command)}\n" in machine.log().read_text()


def test_at_a_terminal_it_speaks_plainly(machine: Machine) -> None:
    ours, its = os.openpty()
    command = [sys.executable, machine.bundle / "server", "--storage", machine.storage, "--no-install"]
    subprocess.run(command, stderr=its, env=machine.environment, cwd=machine.workspace)
    os.close(its)
    said = os.read(ours, 1 << 14).decode()
    os.close(ours)

    assert "\nTenny wants to install" in said and said.strip().endswith("choose a Python that has tenny-lsp.")


def test_storage_is_relative_to_the_workspace(machine: Machine) -> None:
    machine.uv()

    assert machine.run("--storage", "here")[0] == 0
    assert list(machine.workspace.glob("here/*/tenny-ready.json"))


@pytest.mark.parametrize("paths", [{}, {"PYTHONPATH": ""}, {"PYTHONPATH": ":."}, {"PYTHONPATH": "{workspace}/src:/"}])
def test_nothing_of_the_workspace_is_run(paths: dict[str, str], machine: Machine) -> None:
    (machine.workspace / "src").mkdir()
    for folder in (machine.workspace, machine.workspace / "src"):
        for name in ("json", "random", "reports", "start", "pip", "venv", "zipfile", "tenny_lsp", "sitecustomize"):
            (folder / name).mkdir()
            (folder / name / "__init__.py").write_text(POISON)
    machine.program("uv", POISON, machine.workspace)
    machine.uv()
    given = {name: value.format(workspace=machine.workspace) for name, value in paths.items()}
    machine.environment |= given | {"PATH": os.pathsep.join([".", "", str(machine.programs)])}

    assert machine.run() == (0, b"initialize")
    ran = [path for path in machine.workspace.rglob("*.ran") if "sitecustomize" not in str(path)]
    assert ran == [], "sitecustomize is Python's own doing, before the bootstrap's first line"


@pytest.mark.parametrize("damage", ["gone", "torn"])
def test_an_incomplete_copy_says_so(damage: str, machine: Machine) -> None:
    (wheel,) = machine.bundle.glob("*.whl")
    wheel.unlink() if damage == "gone" else wheel.write_text("")

    assert machine.run() == (1, b"")
    assert machine.states()[0]["state"] == "failed" and str(machine.bundle) in machine.states()[0]["message"]
    assert "Install Tenny again" in machine.states()[0]["next"]


def test_a_storage_that_cannot_be_written(machine: Machine) -> None:
    machine.storage.write_text("not a folder")

    assert machine.run() == (1, b"")
    assert str(machine.storage) in machine.states()[0]["message"]


def test_a_wrong_option_is_bad_usage(machine: Machine) -> None:
    assert machine.run("--stor") == (2, b"")
    assert "usage: python server/" in machine.log().read_text()
