"""Memoise what is said of entries: it is the same for as long as their index lives."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.index import ApiIndex

_P = ParamSpec("_P")
_R = TypeVar("_R")


def memoised_by_entry(
    function: Callable[Concatenate[ApiEntry, ApiIndex, _P], _R],
) -> Callable[Concatenate[ApiEntry, ApiIndex, _P], _R]:
    """Memoise a function of an entry, its index and arguments that can be hashed; they are dropped with the index."""
    kept: WeakKeyDictionary[ApiIndex, dict[object, tuple[ApiEntry, _R]]] = WeakKeyDictionary()

    @wraps(function)
    def memoised(entry: ApiEntry, index: ApiIndex, /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        # By its name, since the hash of an entry is that of all it says.
        key = (entry.name, args, tuple(kwargs.items()))
        results = kept.setdefault(index, {})
        found = results.get(key)
        if found is None or found[0] is not entry:
            found = results[key] = entry, function(entry, index, *args, **kwargs)
        return found[1]

    return memoised
