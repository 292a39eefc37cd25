"""What goes on, told to an editor that shows it: which MLX is meant, what the model does, and why nothing appears."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tenny_lsp.errors import TennyError

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer

#: The notification, and the client's capability to take it, are as rust-analyzer named them; editors know these.
STATUS, _CAPABILITY = "experimental/serverStatus", "serverStatusNotification"

_DOING = {
    "idle": "the model is loaded when it is needed",
    "loading": "the model is being loaded",
    "ready": "the model is ready",
    "backing off": "the model starts again when it is needed",
    "failed": "the model has been given up",
}
_HEALTH = ("ok", "warning", "error")


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What an editor is told.

    Args:
        health (str): ``ok``, ``warning``: something is missing, or ``error``: it does not come back by itself.
        quiescent (bool): Whether nothing is being read or loaded.
        message (str): What is so, in one line.
        api (str): Of that, which MLX is meant.
        model (str): Of that, what the model does.
        reason (str): Why something is missing, and what to do about it; empty when nothing is.
    """

    health: str
    quiescent: bool
    message: str
    api: str
    model: str
    reason: str = ""


class Status:
    """Tells an editor what a server does, each time that changes.

    Args:
        server (TennyServer): The server.
    """

    def __init__(self, server: "TennyServer") -> None:
        self._server = server
        self._told: ServerStatus | None = None
        self._is_open = False
        #: Why a hover has no sentence, as the last question found it; None when it has one.
        self.trouble: TennyError | None = None

    def open(self) -> None:
        """Begins to tell an editor that wants to know; before the session has begun nothing may be sent."""
        self._is_open = _wants(self._server.client_capabilities.experimental)
        self.tell()

    def fail(self, trouble: TennyError | None) -> None:
        """Takes over how the last question to the model ended."""
        self.trouble = trouble
        self.tell()

    def tell(self) -> None:
        """Tells the editor, if it wants to know and does not know yet."""
        if not self._is_open:
            return
        now = self.now
        if now != self._told:
            self._told = now
            self._server.protocol.notify(STATUS, asdict(now))

    @property
    def now(self) -> ServerStatus:
        """What is so now."""
        api, of_api, api_health = self._api()
        model, of_model, model_health = self._model()
        health = _HEALTH[max(api_health, model_health)]
        reason = " ".join(filter(None, (of_api, of_model)))
        is_loading = self._server.model is not None and self._server.model.state.phase == "loading"
        quiescent = self._server.indexes.read is not None and not is_loading
        return ServerStatus(health, quiescent, f"{api} · {model}", api, model, reason)

    def _api(self) -> tuple[str, str, int]:
        index, python = self._server.indexes.read, self._server.indexes.python or "the server's own Python"
        if index is None:
            return "MLX's documentation is being read", "", 0
        if not index.is_substitute:
            return f"MLX {index.version}", "", 0
        return "no MLX found", f"MLX is not installed in {python}: what is shown is that of MLX {index.version}.", 1

    def _model(self) -> tuple[str, str, int]:
        server = self._server
        if server.model is None:
            return "no model", server.speaker.why_none, 0
        state = server.model.state
        if state.phase in ("backing off", "failed"):
            return _DOING[state.phase], state.reason, 1 + (state.phase == "failed")
        if self.trouble is not None:
            return "the model does not answer", str(self.trouble), 1
        return _DOING[state.phase], "", 0


def _wants(able: Any) -> bool:
    return bool(able.get(_CAPABILITY) if isinstance(able, dict) else getattr(able, _CAPABILITY, False))
