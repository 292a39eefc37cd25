"""Remember what was said to which comment, so that *again* is another remark and regulars get rest.

A small file in the cache folder that terminal and editor share. Of a comment it holds a hash, never the text. Where it
cannot be read or written, nothing is remembered, and nothing else changes.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

#: So many comments are remembered, and so many remarks on each, the last ones.
_MOST_COMMENTS, _MOST_REMARKS = 200, 12
#: So many remarks are resting, whatever they were made on.
_RESTING = 40


class History:
    """What was said to which comment.

    Args:
        path (Path): Where it is kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def said(self, comment: str) -> list[str]:
        """Return the remarks that were made on a comment, the last one last."""
        return self._read().get(_key(comment), [])

    def tired(self, comment: str) -> Collection[str]:
        """Return the remarks that were made on other comments lately."""
        kept = self._read()
        own = kept.pop(_key(comment), [])
        # The comments stand in the order in which something was last said to them.
        lately = [remark for remarks in kept.values() for remark in remarks[-1:]][-_RESTING:]
        return set(lately) - set(own)

    def note(self, comment: str, remark: str) -> None:
        """Remember that a remark was made on a comment."""
        kept = self._read()
        remarks = [one for one in kept.pop(_key(comment), []) if one != remark]
        kept[_key(comment)] = [*remarks, remark][-_MOST_REMARKS:]
        self._write(dict(list(kept.items())[-_MOST_COMMENTS:]))

    def _read(self) -> dict[str, list[str]]:
        """Return what is kept; nothing where that cannot be read, or is of another form."""
        try:
            kept: Any = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        if not isinstance(kept, dict):
            return {}
        return {
            key: [remark for remark in remarks if isinstance(remark, str)]
            for key, remarks in kept.items()
            if isinstance(remarks, list)
        }

    def _write(self, kept: dict[str, list[str]]) -> None:
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(kept, ensure_ascii=False), "utf-8", "surrogatepass")
            new.replace(self._path)
            return
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)


def _key(comment: str) -> str:
    return hashlib.sha256(" ".join(comment.split()).encode("utf-8", "surrogatepass")).hexdigest()[:16]
