"""The server's status, sent to clients that show it: which MLX is meant, what the model does, why nothing appears."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from tenny_lsp.lsp.client import Client
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.protocol import ModelState

#: The notification is rust-analyzer's: several editors show it already.
METHOD = "experimental/serverStatus"

_MODEL_PHASES = {
    "idle": "the model is loaded when it is needed",
    "loading": "the model is being loaded",
    "ready": "the model is ready",
    "backing off": "the model starts again when it is needed",
    "failed": "the model has been given up",
    "unreachable": "the model's server does not answer",
}
_HEALTH = ("ok", "warning", "error")


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The notification's parameters.

    Args:
        health (str): ``ok``; ``warning``: something is missing; ``error``: something is missing until the user acts.
        quiescent (bool): Whether nothing is being read or loaded.
        message (str): The status in one line.
        api (str): The part of the message about MLX.
        model (str): The part of the message about the model.
        reason (str): Why something is missing, and what to do about it; empty when nothing is.
        base (str): The name of the base that answers and remarks; empty without a model.
    """

    health: str
    quiescent: bool
    message: str
    api: str
    model: str
    reason: str = ""
    base: str = ""


class Status:
    """Sends the status to a client that wants it, whenever it has changed.

    Args:
        client (Client): The client.
        describe (Callable[[], ServerStatus]): Returns the present status.
    """

    def __init__(self, client: Client, describe: Callable[[], ServerStatus]) -> None:
        self._client = client
        self._describe = describe
        self._sent: ServerStatus | None = None
        self._is_open = False

    def open(self) -> None:
        """Begin to send; before the client has said ``initialized`` nothing may be sent."""
        self._is_open = self._client.can.wants_status
        self.update()

    def update(self) -> None:
        """Send the present status if it is not the one that was sent last."""
        if not self._is_open:
            return
        now = self._describe()
        if now != self._sent:
            self._sent = now
            self._client.notify(METHOD, asdict(now))


def server_status(
    index: ApiIndex | None, python: str, model: ModelState | None, base: str, why_missing: str, failure: str
) -> ServerStatus:
    """Return the status of a server.

    Args:
        index (ApiIndex, optional): The index of the window's MLX; None while it is being read.
        python (str): The interpreter whose MLX is meant; empty: the server's own.
        model (ModelState, optional): The state of the model; None without a model.
        base (str): The name of the base that speaks.
        why_missing (str): Why there is no model, or why another base speaks than the one that was to.
        failure (str): Why the model did not answer the last question; empty if it did.
    """
    api, api_reason, api_health = _api(index, python)
    said, model_reason, model_health = _model(model, why_missing, failure)
    is_loading = model is not None and model.phase == "loading"
    return ServerStatus(
        health=_HEALTH[max(api_health, model_health)],
        quiescent=index is not None and not is_loading,
        message=f"{api} · {said}",
        api=api,
        model=said,
        reason=" ".join(filter(None, (api_reason, model_reason))),
        base=base if model is not None else "",
    )


def _api(index: ApiIndex | None, python: str) -> tuple[str, str, int]:
    if index is None:
        return "MLX's documentation is being read", "", 0
    if not index.is_substitute:
        return f"MLX {index.version}", "", 0
    interpreter = python or "the server's own Python"
    return "no MLX found", f"MLX is not installed in {interpreter}: what is shown is that of MLX {index.version}.", 1


def _model(state: ModelState | None, why_missing: str, failure: str) -> tuple[str, str, int]:
    if state is None:
        return "no model", why_missing, 0
    if state.reason:
        return _MODEL_PHASES[state.phase], state.reason, 1 + (state.phase == "failed")
    if failure:
        return "the model does not answer", failure, 1
    return _MODEL_PHASES[state.phase], why_missing, bool(why_missing)
