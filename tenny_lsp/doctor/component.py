"""What is found of one component, and how it is shown without private paths."""

import getpass
import re
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

#: ``absent`` is what Tenny can do without; ``broken`` is what it needs, or what a user has chosen.
State = Literal["works", "absent", "broken"]


@dataclass(frozen=True, slots=True)
class Component:
    """What is found of a component.

    Args:
        name (str): What it is called.
        state (State): Whether it works.
        detail (str): What was found, with units.
        next_step (str): One command or sentence: what to do. Default: nothing.
        values (dict[str, Any]): The same as numbers and names, for programs.
    """

    name: str
    state: State
    detail: str
    next_step: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def without_private_names(component: Component) -> Component:
    """Return a component that names neither the home folder nor the user or the machine."""
    return Component(**_cleaned(asdict(component)))


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_cleaned(one) for one in value]
    return cleaned_text(value) if isinstance(value, str) else value


def cleaned_text(text: str) -> str:
    """Return a text whose paths name neither the home folder, which becomes ``~``, nor the user or the machine."""
    home = Path.home()
    for folder in sorted({str(home), str(home.resolve())}, key=len, reverse=True):
        if folder != home.anchor:
            text = re.sub(rf"{re.escape(folder)}(?![\w.-])", "~", text)
    for name, stands_for in ((_user(), "<user>"), (socket.gethostname(), "<machine>")):
        if name:
            text = re.sub(rf"(?<=[/\\]){re.escape(name)}(?![\w.-])", stands_for, text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return ""
