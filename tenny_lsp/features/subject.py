"""Find what a text is about: the stems of its content words."""

import re
from functools import lru_cache

from tenny_lsp.mlx_api.words import stem, words

#: Words that say nothing of what a comment or a remark is about.
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a about after again all also am an and any are aren as at be because been before being but by can comment "
        "could d did didn do does doesn doing don done each else even ever every first for from get gets getting go "
        "goes going got had has have having he her here him his how i if in into is isn it its just keep last like ll "
        "lot m made make makes many may me might mine more most much must my need never new no not nothing now of off "
        "on once one only or other our out over own please re really s same say says should so some someone something "
        "still such sure t take than that the their them then there these they thing things think this those thought "
        "three through to today too two under until up us use used uses ve very want was way we well were what when "
        "where which while who why will with without won would yet you your",
    )
)

#: A sentence about life: no comment, no docstring, no code.
_PROSE = re.compile(r"\A[A-Z][^#`=_(){}\[\]]*\s[^#`=_(){}\[\]]*[.!?]\s*\Z")


def is_prose(text: str) -> bool:
    """Return whether a text is a sentence, and neither a comment nor code."""
    return _PROSE.match(text) is not None


@lru_cache(maxsize=8192)
def content_words(text: str) -> frozenset[str]:
    """Return the stems of the words that say what a text is about; numbers are such words too."""
    return frozenset(stem(word) for word in words(text) if word not in _EMPTY and (len(word) > 2 or word[0].isdigit()))
