"""What the status says, and when it is sent."""

import pytest

from tenny_lsp.lsp.client import Capabilities
from tenny_lsp.lsp.status import Status, server_status
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.protocol import ModelState
from tests.unit.lsp.fakes import FakeClient

INDEX = ApiIndex("mlx", "0.32.4", {})


def substitute() -> ApiIndex:
    index = ApiIndex("mlx", "0.32.4", {})
    index.is_substitute = True
    return index


def test_all_is_well() -> None:
    status = server_status(INDEX, "", ModelState("ready"), "embedded", "", "")

    assert (status.health, status.quiescent, status.reason) == ("ok", True, "")
    assert status.message == "MLX 0.32.4 · the model is ready"


@pytest.mark.parametrize(
    ("index", "state", "failure", "health", "quiescent", "reason"),
    [
        (None, ModelState("idle"), "", "ok", False, ""),
        (INDEX, ModelState("loading"), "", "ok", False, ""),
        (INDEX, ModelState("idle"), "It is torn.", "warning", True, "It is torn."),
        (INDEX, ModelState("backing off", "It ended."), "older", "warning", True, "It ended."),
        (INDEX, ModelState("failed", "Five times."), "", "error", True, "Five times."),
        (INDEX, ModelState("unreachable", "Nobody listens."), "", "warning", True, "Nobody listens."),
        (INDEX, None, "", "ok", True, "It is switched off."),
    ],
    ids=["reading", "loading", "failure", "backing off", "failed", "unreachable", "none"],
)
def test_what_is_missing_and_why(
    index: ApiIndex | None, state: ModelState | None, failure: str, health: str, quiescent: bool, reason: str
) -> None:
    why_missing = "" if state is not None else "It is switched off."
    status = server_status(index, "", state, "embedded", why_missing, failure)

    assert (status.health, status.quiescent, status.reason) == (health, quiescent, reason)


def test_it_names_the_interpreter_without_mlx() -> None:
    status = server_status(substitute(), "/work/python", ModelState("failed", "Five times."), "embedded", "", "")

    assert status.api == "no MLX found" and status.health == "error"
    assert status.reason.startswith("MLX is not installed in /work/python") and status.reason.endswith("Five times.")


def test_it_is_sent_when_it_changes_to_clients_that_want_it() -> None:
    phases = ["idle", "idle", "ready"]
    client = FakeClient(Capabilities(wants_status=True))
    status = Status(client, lambda: server_status(INDEX, "", ModelState(phases.pop(0)), "embedded", "", ""))

    status.update()
    assert client.notified == [], "nothing may be sent before the session has begun"
    status.open()
    status.update()
    status.update()

    assert [sent["model"] for sent in client.notified] == [
        "the model is loaded when it is needed",
        "the model is ready",
    ]


def test_a_client_that_does_not_want_it_is_not_told() -> None:
    client = FakeClient(Capabilities())

    Status(client, lambda: server_status(INDEX, "", None, "embedded", "", "")).open()

    assert client.notified == []


@pytest.mark.parametrize("phase", ["idle", "loading", "ready"])
def test_it_says_why_another_base_speaks_as_long_as_one_does(phase: str) -> None:
    why = "smollm2 is broken. Fetch it again."
    status = server_status(INDEX, "", ModelState(phase), "embedded", why, "")

    assert (status.health, status.reason) == ("warning", why)
