"""Every error Tenny shows to a user.

Each says what went wrong, with which input, and what to do next:

    TennyError
    ├── ApiIndexError      a package is not installed, or has no stubs or source to read
    ├── DatasetError       dataset rows are missing, empty or unreadable
    ├── BaseModelError     a base model's folder is incomplete or cannot be loaded
    ├── AdapterError       an adapter is incomplete, or was made for another base
    ├── TrainingError      a training could not go on (a loss that is not a number, no rows)
    ├── StorageError       a file could not be written (full disk, no permission)
    └── ModelUnavailable   the model worker is not running and could not be started
"""


class TennyError(Exception):
    """An error for the user's eyes.

    Args:
        what (str): What went wrong, naming the input.
        next_step (str): What the user can do about it.
    """

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what, next_step)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what.rstrip('.')}. {self.next_step}"


class ApiIndexError(TennyError):
    """A package is not installed, or has neither stubs nor source to read."""


class DatasetError(TennyError):
    """Dataset rows are missing, empty or unreadable."""


class BaseModelError(TennyError):
    """A base model's folder is incomplete or cannot be loaded."""


class AdapterError(TennyError):
    """An adapter is incomplete, or was made for another base."""


class TrainingError(TennyError):
    """A training could not start or go on."""


class StorageError(TennyError):
    """A file could not be written."""


class ModelUnavailable(TennyError):
    """The model worker is not running and could not be started."""
