"""The files that ``check`` looks at: find them, read them, and write them back atomically."""

import errno
import io
import os
import shutil
import tokenize
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from tenny_lsp.cli.check_listing import UncheckedFile

#: Folders that are skipped, as those whose name starts with a dot are.
_SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages", "venv", "build", "dist"}


@dataclass(slots=True)
class SourceFile:
    """A file as it was read.

    Args:
        path (Path): Its path, as it was named.
        content (bytes): Its bytes.
        text (str): Its text, without a byte order mark.
        encoding (str): Its encoding; ``utf-8-sig`` where it has a byte order mark.
        is_named (bool): Whether it was named itself, not only a folder that it is in.
    """

    path: Path
    content: bytes
    text: str
    encoding: str
    is_named: bool

    def encoded(self, text: str) -> bytes:
        """Return another text in the file's encoding, with its byte order mark."""
        return text.encode(self.encoding)


def python_files(
    paths: Sequence[Path], is_excluded: Callable[[Path], bool], on_error: Callable[[UncheckedFile], None]
) -> Iterator[tuple[Path, bool]]:
    """Yield the files to check, each with whether it was named itself.

    Args:
        paths (Sequence[Path]): The files and folders that were named.
        is_excluded (Callable[[Path], bool]): Whether settings exclude a file or a folder.
        on_error (Callable[[UncheckedFile], None]): Called with each folder that cannot be read.
    """

    def unreadable(error: OSError) -> None:
        on_error(UncheckedFile(Path(os.fsdecode(error.filename)), f"could not be read: {error.strerror}"))

    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib's raises where a name is too long
            yield path, True
            continue
        root = os.path.realpath(path)
        for folder, inner, names in os.walk(path, onerror=unreadable):
            inner[:] = sorted(
                name
                for name in inner
                if name not in _SKIPPED_FOLDERS and not name.startswith(".") and not is_excluded(Path(folder, name))
            )
            for file in (Path(folder, name) for name in sorted(names) if name.endswith(".py")):
                if _is_inside(file, root) and not is_excluded(file):
                    yield file, False


def _is_inside(file: Path, root: str) -> bool:
    """Return whether a file lies in a folder: a link may lead out of it, or in circles. Pipes are passed over."""
    target = os.path.realpath(file)  # pathlib's raises where links go in circles
    return os.path.islink(target) or (os.path.isfile(target) and Path(target).is_relative_to(root))  # noqa: PTH113, PTH114


def read_source(path: Path, *, is_named: bool) -> SourceFile | UncheckedFile:
    """Return a file with its text, or why it is none that can be checked."""
    if path.suffix == ".ipynb":
        return UncheckedFile(path, "is a notebook: only editors show a notebook's pitfalls")
    try:
        content = path.read_bytes()
    except OSError as error:
        return UncheckedFile(path, f"could not be read: {error.strerror}")
    if b"\0" in content:
        return UncheckedFile(path, "is not Python but binary")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return SourceFile(path, content, content.decode(encoding), encoding, is_named)
    except UnicodeDecodeError as error:
        return UncheckedFile(path, f"is not Python: byte {error.start + 1} is no {error.encoding}")
    except (SyntaxError, LookupError, ValueError) as error:
        return UncheckedFile(path, f"is not Python: {str(error).partition(';')[0]}")


def write_source(source: SourceFile, text: str) -> UncheckedFile | None:
    """Write a new text into a file, atomically; return why that was not possible, None where it was.

    The file is left as it is if it has changed since it was read.
    """
    target = Path(os.path.realpath(source.path))  # what a link leads to, not the link
    beside = None
    try:
        if source.encoded(source.text) != source.content:
            return UncheckedFile(source.path, f"was left as it is: {source.encoding} is ambiguous")
        content = source.encoded(text)
        if not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with NamedTemporaryFile(dir=target.parent, prefix=".tenny-", delete=False) as opened:
            beside = Path(opened.name)
            opened.write(content)
        shutil.copymode(target, beside)
        if target.read_bytes() != source.content:
            return UncheckedFile(source.path, "was left as it is: it has changed meanwhile")
        beside.replace(target)
    except (OSError, UnicodeEncodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"{source.encoding} cannot write the fix"
        return UncheckedFile(source.path, f"was left as it is: {reason}")
    finally:  # Ctrl-C too leaves nothing behind
        if beside is not None:
            beside.unlink(missing_ok=True)
    return None
