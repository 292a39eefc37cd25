"""Measure what a remark may say of a comment as a fact: its own number, its length, its age, its subject."""

import re
from collections.abc import Mapping
from datetime import date

from tenny_lsp.features.decency import unkind_words
from tenny_lsp.mlx_api.words import words

#: A year that a date says, and not 2000 of something.
_YEAR = re.compile(
    r"(?:\b(?:in|since|from|until|circa)\s+|[(/@]\s*|\b[A-Z][a-z]{2,8}\.?\s+(?:\d{1,2},?\s+)?|\d[-/.])"
    r"(?P<last>19[89]\d|20\d\d)(?!-\d\d)(?=\W*$|\s*[.,;:)!?/-]|\s+(?:and|we|when|but|because|by)\b)"
    r"|\b(?P<first>19[89]\d|20\d\d)-(?P<month>\d\d)(?:-\d\d)?\b"
)
#: Of so many years people say the difference of the dates, which may be one too many.
_MANY_YEARS = 10
_NUMBER = re.compile(r"(?<![\w.])\d[\d_]*(?:[.,]\d+)*\b")
_DEFINED = re.compile(r"\s*(?:async\s+)?(?:def|class)\s+([A-Za-z]\w*[A-Za-z0-9])\b")
_NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
#: A determiner, and the words that it may belong to.
_PHRASE = re.compile(
    r"\b(the|a|an|my|our|every|each|this|that)\s+((?:[A-Za-z][\w-]*\s+)?[A-Za-z][\w-]*)(?=\W|$)", re.IGNORECASE
)
#: Whose it is, as another says it.
_AS_SAID = {"my": "your", "our": "your", "this": "the", "that": "the"}
#: Words that end a phrase or cannot stand in it.
_ENDS = frozenset(
    re.findall(
        r"\w+",
        "about after all also an and are as at be because been before between but by can cannot could did do does "
        "done for from get gets had has have how if in instead into is it its just like made make makes may must need "
        "needs not of off on or our out over own same should so than that the then there this to too under until up "
        "us was we went were what when where which while who why will with without work works would you your one ones "
        "first last next new old only other whole whatever day days time times year years week hour wrong right best "
        "worst a my i he she they them",
    )
)


def measures(comment: str, today: date, age_years: int = 0) -> Mapping[str, str]:
    """Return what is measured of a comment, by the name of the slot that it fills.

    Args:
        comment (str): The comment.
        today (date): The date to measure ages by.
        age_years (int): How many whole years its line has stood there; 0 where that is not known.
    """
    found = {"words": str(len(re.findall(r"[^\W_]+(?:['’-]\w+)*", comment)))}
    dated = (_whole_years(match, today) for match in _YEAR.finditer(comment))
    if (years := max(age_years, *dated, 0)) > 0:
        found["years"] = f"{_NAMES[years] if years < len(_NAMES) else years} year{'s' * (years > 1)}"
    if len(numbers := _NUMBER.findall(comment)) == 1:
        found["number"] = numbers[0]
    if defined := _DEFINED.match(comment):
        found |= {"name": defined[1], "parts": str(len(list(words(defined[1]))))}
    if topic := _topic(comment):
        found["topic"] = topic
    return found


def filled(line: str, measured: Mapping[str, str]) -> str | None:
    """Return a line with its slots filled; None where something in it has not been measured."""
    try:
        text = line.format_map(measured)
    except KeyError:
        return None
    return text[:1].upper() + text[1:]


def _whole_years(match: "re.Match[str]", today: date) -> int:
    """Return how many years have passed since a date that may be only a year: of few, those that are certain."""
    is_over = match["month"] is not None and int(match["month"]) < today.month
    years = today.year - int(match["first"] or match["last"])
    return years - (not is_over and years < _MANY_YEARS)


def _topic(comment: str) -> str:
    """Return the thing that a comment names first, with its article: ``the edit distance``, ``your meetings``."""
    for match in _PHRASE.finditer(comment):
        phrase: list[str] = []
        for word in match[2].split():
            if word.lower() in _ENDS or word.endswith(("ly", "ed")) or word.lower() in _NAMES:
                break
            phrase.append(word)
        if len(phrase) > 1 and phrase[-1].endswith("s"):
            phrase.pop()  # it may be a verb: the cache wraps
        if phrase and len(phrase[-1]) > 3 and not unkind_words(" ".join(phrase)) and "_" not in " ".join(phrase):
            article = match[1].lower()
            return f"{_AS_SAID.get(article, article)} {' '.join(phrase)}"
    return ""
