"""Find the numbers in a text, in digits or in words: ``512``, ``three``, ``twenty-one``, ``ten thousand``."""

import re
from collections.abc import Iterator

_ONES = {
    word: value
    for value, word in enumerate(
        re.findall(
            r"\w+",
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen",
        ),
        start=1,
    )
}
_TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_OTHERS = {"twice": 2, "dozen": 12, "once": 1}
_WORDS = _ONES | _TENS | _SCALES | _OTHERS
_ANY = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER = re.compile(
    rf"(?<![\w.])\d[\d,_]*(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:{_ANY})(?:(?:[ -]|\sand\s)(?:{_ANY}))*\b", re.IGNORECASE
)


def numbers_in(text: str) -> Iterator[tuple[float, "re.Match[str]"]]:
    """Yield the numbers in a text, each with where it stands."""
    for match in _NUMBER.finditer(text):
        if match[0][0].isdigit():
            yield float(match[0].replace(",", "").replace("_", "") or 0), match
        else:
            yield _value_of(match[0].lower()), match


def _value_of(words: str) -> float:
    total, part = 0, 0
    for word in re.split(r"[ -]|\sand\s", words):
        if word in _SCALES:
            total, part = total + max(part, 1) * _SCALES[word], 0
        else:
            part += _WORDS.get(word, 0)
    return float(total + part)
