"""Read where an OpenAI-compatible server is, as users name it: ``http://localhost:8080/v1#model``."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from tenny_lsp.errors import BaseModelError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class EndpointAddress:
    """Where a server is, and which of its models is meant.

    Args:
        url (str): The address that its paths are appended to, without a slash at the end: ``http://localhost:8080/v1``.
        model (str): The model's name; empty: the one that the server answers with when none is named.
    """

    url: str
    model: str = ""

    def __str__(self) -> str:
        return f"{self.url}#{self.model}" if self.model else self.url

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")


def is_address(name: str) -> bool:
    """Return whether a model is named by the address of a server rather than as a base."""
    return _URL.match(name) is not None


def read_address(text: str) -> EndpointAddress:
    """Return what an address says; ``/v1`` is appended where it has no path.

    Raises:
        BaseModelError: It is no address of HTTP, or holds a password or a query.
    """
    parts = _parts(text.strip())
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        # What was written is not repeated: it may hold a password.
        raise BaseModelError(
            "The model's endpoint is no address of HTTP", "Write it as http://localhost:8080/v1#name-of-the-model."
        )
    if parts.username is not None or parts.password is not None or parts.query:
        raise BaseModelError(
            f"The model's endpoint at {parts.hostname} has a user, a password or a query in its address",
            "Remove it, and put the key into the environment variable TENNY_API_KEY.",
        )
    path = parts.path.rstrip("/") or "/v1"
    return EndpointAddress(f"{parts.scheme}://{parts.netloc}{path}", parts.fragment)


def _parts(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where that is no number
    except ValueError:
        return None
    return None if re.search(r"[\s\x00-\x1f]", text) else parts
