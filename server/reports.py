"""Report on stderr: lines for the log, and states for the client that started the bootstrap."""

# Any Python 3 reads this, like __main__.py.
import json
import sys
from typing import Any

#: What a line for the client begins with; one JSON object follows.
MARKER = "tenny-bootstrap"
FAILED, NEEDS_INSTALL, NO_PYTHON = 1, 3, 4
WANTED = "CPython 3.10 or newer"


class Problem(Exception):
    """Why no server starts.

    Args:
        message (str): What went wrong, naming the input.
        next_step (str): What the user can do about it.
        exit_code (int): ``FAILED``, ``NEEDS_INSTALL`` or ``NO_PYTHON``.
        details (Any): What else the client is told.
    """

    def __init__(self, message: str, next_step: str, exit_code: int = FAILED, **details: Any) -> None:
        super().__init__(message, next_step)
        self.message = message.rstrip(".") + "."
        self.next_step, self.exit_code, self.details = next_step, exit_code, details

    @property
    def state(self) -> str:
        """The state that the client is told."""
        return "needsInstall" if self.exit_code == NEEDS_INSTALL else "failed"

    @classmethod
    def of_python(cls, why: str) -> "Problem":
        """Return the problem that no Python can run Tenny, and where another is set."""
        this = "{}.{}.{}".format(*sys.version_info[:3])
        return cls(
            "Tenny needs "
            + WANTED
            + ", this is "
            + sys.implementation.name
            + " "
            + this
            + " ("
            + sys.executable
            + "). "
            + why,
            "Install one and name it: tenny.server.python in VS Code, elsewhere the python of the server's command.",
            NO_PYTHON,
        )


def log(text: str) -> None:
    """Write lines to the log."""
    sys.stderr.write(text.rstrip() + "\n")
    sys.stderr.flush()


def report(state: str, message: str, **details: Any) -> None:
    """Tell the client where things stand: ``starting``, ``installing``, ``needsInstall`` or ``failed``.

    Someone at a terminal is told the same in words.
    """
    if sys.stderr.isatty():
        log(" ".join(str(part) for part in (message, details.get("next", "")) if part))
    else:
        log(MARKER + " " + json.dumps(dict(details, state=state, message=message)))
