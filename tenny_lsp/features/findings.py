"""Say what was written for a kind of finding in a review: a bare except, a long function, commented-out code."""

import re
import zlib
from collections.abc import Collection
from functools import cache

from tenny_lsp.data import read_toml
from tenny_lsp.features.decency import fault_of
from tenny_lsp.features.measures import filled

_NUMBER = re.compile(r"(?<![\w.])(?:0[xXoObB][\da-fA-F_]+|\d[\w.]*\w|\d)")


def finding_line(kind: str, fact: str, made: Collection[str], tired: Collection[str], seed: int = 0) -> str | None:
    """Return what is said to a finding: a line that has not been made, rather one that is not tired; None without.

    Args:
        kind (str): What was found: ``bare-except``, ``magic-number`` …
        fact (str): What is so: the only source of what fills a line's slots.
        made (Collection[str]): What has been said already.
        tired (Collection[str]): What was said elsewhere lately.
        seed (int): Another seed draws another line.
    """
    number = _NUMBER.search(fact)
    measured = {"number": number[0]} if number else {}
    lines = [filled(line, measured) for line in _lines().get(kind, ())]
    fresh = [line for line in lines if line is not None and line not in made and fault_of(line) is None]
    best = [line for line in fresh if line not in tired] or fresh
    return best[(zlib.crc32(fact.encode("utf-8", "surrogatepass")) + seed) % len(best)] if best else None


@cache
def _lines() -> dict[str, list[str]]:
    return {kind: row["lines"] for kind, row in read_toml("findings.toml").items()}
