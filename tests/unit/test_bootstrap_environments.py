"""Environments of ``python server/``: killed while it makes one, several windows at once, release after release."""

import os
import signal
from pathlib import Path

import pytest

from tests.unit.bootstrapping import DEADLINE_S, Gate, Machine, until

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the pretended programs are shell scripts")


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate")


@pytest.mark.parametrize("step", ["venv", "packages", "wheel"])
def test_killed_while_it_installs_the_next_start_completes(step: str, machine: Machine, gate: Gate) -> None:
    machine.uv(gate.at(step))
    first = machine.start()
    held = gate.arrived()
    first.kill()
    first.wait()
    assert machine.environments() == []

    # What the first has started still writes into the folder: the second waits for its end.
    machine.uv()
    second = machine.start()
    until(lambda: any("Another window" in state["message"] for state in machine.states(1)), second)
    assert machine.calls()[-1][0] == step
    os.close(held)

    assert second.communicate(b"initialize", DEADLINE_S) == (b"initialize", None)
    assert [call[0] for call in machine.calls()[-3:]] == ["venv", "packages", "wheel"]


def test_killed_before_the_stamp_all_is_made_again(machine: Machine) -> None:
    machine.uv()
    machine.run()
    stamp = machine.storage / machine.environments()[0] / "tenny-ready.json"
    stamp.rename(f"{stamp}.part")
    (stamp.parent / "half").touch()

    assert machine.run() == (0, b"initialize")
    assert len(machine.calls()) == 6 and not (stamp.parent / "half").exists()


@pytest.mark.parametrize("stamp", ["", "[]", "{}", '{"base": "/no/such/python"}'])
def test_a_stamp_that_says_nothing_or_of_a_python_that_is_gone(stamp: str, machine: Machine) -> None:
    machine.uv()
    machine.run()
    (machine.storage / machine.environments()[0] / "tenny-ready.json").write_text(stamp)

    assert machine.run() == (0, b"initialize")
    assert len(machine.calls()) == 6


def test_told_to_end_it_ends_what_it_started(machine: Machine, gate: Gate) -> None:
    machine.uv(gate.at("packages"))
    process = machine.start()
    held = gate.arrived()

    process.send_signal(signal.SIGTERM)

    assert process.wait(DEADLINE_S) == 128 + signal.SIGTERM
    with pytest.raises(BrokenPipeError):
        os.write(held, b"?")
    os.close(held)


def test_of_two_at_once_one_installs(machine: Machine, gate: Gate) -> None:
    machine.uv(gate.at("packages"))
    first = machine.start()
    held = gate.arrived()
    second, third = machine.start(), machine.start("--no-install")
    until(lambda: all(any("Another window" in s["message"] for s in machine.states(i)) for i in (1, 2)), second)
    os.close(held)

    for process in (first, second, third):
        assert process.communicate(b"initialize", DEADLINE_S) == (b"initialize", None)
    assert len(machine.calls()) == 3
    assert machine.states(1)[-1]["state"] == machine.states(2)[-1]["state"] == "starting"


def test_other_releases_go_when_nobody_runs_them(machine: Machine) -> None:
    machine.uv()
    running = machine.serve()
    (old,) = machine.environments()
    strangers = [machine.storage / "0123456789-3.10-mine", machine.storage / "mine"]
    for stranger in strangers:
        stranger.mkdir()
    (machine.storage / "mine.lock").touch()

    machine.release("9.9.1")
    machine.run()
    assert len(machine.environments()) == 2 and old in machine.environments()

    running.communicate(b"", DEADLINE_S)
    machine.release("9.9.2")
    machine.run()
    (newest,) = machine.environments()
    assert newest != old
    assert all(stranger.exists() for stranger in strangers), "no lock file, or another name: not ours"


def test_another_pythons_environment_stays(machine: Machine) -> None:
    machine.uv()
    machine.run()
    (ours,) = machine.environments()
    other = ours.replace("-3.", "-2.")
    (machine.storage / other).mkdir()
    (machine.storage / f"{other}.lock").touch()
    (machine.storage / ours / "tenny-ready.json").unlink()

    machine.run()

    assert (machine.storage / other).exists()


def test_a_damaged_environment_that_is_in_use_is_left_alone(machine: Machine) -> None:
    machine.uv()
    machine.serve()
    (machine.storage / machine.environments()[0] / "tenny-ready.json").unlink()
    file = machine.bundle / "server" / "provision.py"
    file.write_text(file.read_text().replace("_ASK_EVERY_S = 0.2", "_ASK_EVERY_S = 0.001"))

    assert machine.run() == (1, b"")
    assert "a running server still uses it" in machine.states()[-1]["message"]
    assert len(machine.calls()) == 3
