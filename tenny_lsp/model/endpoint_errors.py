"""Say what is wrong between Tenny and a model's server; the key never stands in what is said."""

import json
import os

from tenny_lsp.errors import BaseModelError, ModelUnavailable, TennyError
from tenny_lsp.model.endpoint_address import EndpointAddress

#: The environment variable that holds the key, if the server wants one.
KEY_VARIABLE = "TENNY_API_KEY"
_MOST_MESSAGE_CHARACTERS = 200
#: Who answers so may answer otherwise later.
_TRANSIENT = (408, 429, 500, 502, 503, 504)


class RequestRefused(ModelUnavailable):
    """The server does not take a request as it is, but it may take another.

    Args:
        what (str): What went wrong.
        next_step (str): What the user can do about it.
        said (str): What the server said; empty where it does not know the path.
    """

    def __init__(self, what: str, next_step: str, said: str = "") -> None:
        super().__init__(what, next_step)
        self.said = said


def key() -> str:
    """Return the key in the environment; empty where there is none.

    Raises:
        RequestRefused: It is not the text of a key.
    """
    found = os.environ.get(KEY_VARIABLE, "").strip()
    if not found.isascii() or not found.isprintable():
        raise RequestRefused(f"What {KEY_VARIABLE} holds is not a key", "A key is one line of ASCII.")
    return found


def refusal(address: EndpointAddress, status: int, content: bytes) -> TennyError:
    """Return the error that an HTTP status stands for.

    Args:
        address (EndpointAddress): Who was asked.
        status (int): The status.
        content (bytes): What came with it, or the beginning of that.
    """
    url, said = address.url, _said(content)
    if status in (401, 403):
        what = f"{url} refuses the key in {KEY_VARIABLE}" if key() else f"{url} wants a key"
        return RequestRefused(f"{what} ({status})", f"Set {KEY_VARIABLE} in the environment of the editor.", "no key")
    if status == 404 and said:
        what = f"{url} has no model {address.model}" if address.model else f"{url} wants to be told which model"
        return BaseModelError(f"{what}: {said}", "Name one it has, behind a #: http://host:port/v1#name.")
    if status in _TRANSIENT:
        return ModelUnavailable(f"{url} failed ({status}): {said or 'it does not say why'}", "Its log may say more.")
    if 300 <= status < 400:
        return ModelUnavailable(f"{url} names another address ({status})", "Tenny follows none: name that one.")
    what = f"{url} refused the request ({status}): {said or 'it does not know such requests'}"
    return RequestRefused(what, "Check the address; the server's log may say more.", said)


def unreachable(address: EndpointAddress, error: Exception) -> ModelUnavailable:
    """Return the error for a connection that failed or broke."""
    # An exception repeats what it does not like, and the key is among what was sent.
    return ModelUnavailable(
        f"The model's server at {address.url} cannot be reached: {_one_line(str(error) or type(error).__name__)}",
        "Start it, or correct the address. Tenny asks it again later.",
    )


def nonsense(address: EndpointAddress, what: str) -> ModelUnavailable:
    """Return the error for an answer that no such server gives."""
    return ModelUnavailable(
        f"{address.url} answered with {what}", "Is it an OpenAI-compatible server? Most addresses end in /v1."
    )


def unreadable(address: EndpointAddress, error: Exception) -> ModelUnavailable:
    """Return the error for an answer in a form that cannot be read."""
    return nonsense(address, f"what cannot be read: {_one_line(str(error)).rstrip('.')}")


def failed(address: EndpointAddress, said: object) -> ModelUnavailable:
    """Return the error that a server tells of in the middle of an answer."""
    text = said.get("message") if isinstance(said, dict) else said
    return ModelUnavailable(f"{address.url} failed: {_one_line(str(text))}", "Its log may say more.")


def cut_off(address: EndpointAddress) -> ModelUnavailable:
    """Return the error for an answer that ended too soon."""
    return ModelUnavailable(f"{address.url} cut its answer off", "Its log may say why; ask again.")


def late(address: EndpointAddress, what: str) -> ModelUnavailable:
    """Return the error for a server that takes too long."""
    return ModelUnavailable(
        f"The model's server at {address.url} {what}", "Ask again when it is less busy, or choose a smaller model."
    )


def closed() -> ModelUnavailable:
    """Return the error for a model that is closed."""
    return ModelUnavailable("The model has been closed", "Start Tenny again.")


def _said(content: bytes) -> str:
    """Return what a server's JSON says of an error; empty where it says nothing."""
    try:
        values = json.loads(content)
        found = values.get("error") or values.get("message")
        text = found.get("message") if isinstance(found, dict) else found
    except (ValueError, AttributeError, RecursionError):
        return ""
    return _one_line(text) if isinstance(text, str) else ""


def _one_line(text: str) -> str:
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    secret = key()
    return (line.replace(secret, "…") if secret else line)[:_MOST_MESSAGE_CHARACTERS]
