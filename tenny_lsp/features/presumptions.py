"""Tell what a remark presumes of its comment: a number, a weekday, a test, a question … and whether it is so.

A remark is written for one comment and made on others. What it mentions that is not general must be there too.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from tenny_lsp.features.numbers import numbers_in
from tenny_lsp.features.subject import content_words

#: What a presumed number starts with.
COUNTED = "number "
_MONTHS = "january february march april june july august september october november december"
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
#: Durations are a way of speaking, unless the remark has its own from its comment.
_TIMES = re.compile(
    r"[ -](?:\w+ )?(?:second|minute|hour|day|week|month|quarter|year|decade|centur|time|percent|o'clock)"
)
#: Before or behind these a number is what there is, not a way of speaking.
_CLAIMS = re.compile(
    r"(?:^|[.:;?!]|\b(?:the|these|those|has|have|had|with|your|other|contains?|page|lines?|version))\W*$", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"(?<![.!?:#\"] )(?<!^)\b(?=\w*[A-Z])[A-Za-z]\w*")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """Something that a remark may mention.

    Args:
        remark (re.Pattern[str]): How a remark mentions it.
        comment (re.Pattern[str]): What a comment has that gives it the right to.
    """

    remark: "re.Pattern[str]"
    comment: "re.Pattern[str]"


def _of(remark: str, comment: str | None = None, flags: int = re.IGNORECASE) -> _Recogniser:
    return _Recogniser(re.compile(remark, flags), re.compile(comment or remark, flags))


#: What a remark mentions, and where it differs what a comment has that gives it the right to.
_RECOGNISERS = {
    **{name: _of(rf"\b{name}s?\b") for name in (*_MONTHS.split(), *_DAYS.split())},
    "may": _of(r"\b(?:in|of|since|by|until) May\b|\bMay \d", flags=0),
    "question marks": _of(r"\bquestion marks?\b", r"\?"),
    "exclamation marks": _of(r"\bexclamation marks?\b", "!"),
    "capitals": _of(r"\b(?:capital letters?|[Uu]pper ?case|caps lock|all caps|shouting)\b", r"\b[A-Z]{4,}\b", 0),
    "dots": _of(r"\b(?:ellips[ei]s|three dots)\b", r"\.\.|…"),
    "emoji": _of(r"\b(?:emojis?|smileys?)\b", r"[\u2600-\u27bf\U0001f000-\U0001faff]|[:;]-?[()DP]|\bemoji"),
    "quotes": _of(r"\b(?:quotation marks|scare quotes|in quotes)\b", r"[\"'“‘]\w"),
    "todo": _of(r"\bTODO|\bFIXME|\bXXX\b|\bHACK\b", r"\b(?:TODO|FIXME|XXX|HACK|todo|fixme|hack)", 0),
    "promise": _of(
        r"\byou (?:promised|said|swore)\b|\byour (?:promise|later)\b", r"\b(?:todo|fixme|later|soon|promise|will)"
    ),
    "regex": _of(r"\bregex(?:es|p)?\b|\bregular expressions?\b", r"\bre(?:gex|gular expression|\.\w)|\[\^|\\[dws]"),
    "test": _of(r"\b(?:unit )?tests?\b|\btested\b", r"test|assert|mock|fixture|cover|\bCI\b|\bgreen\b|\bred\b|\bpass"),
    "link": _of(
        r"\b(?:links?|URL|wiki|Stack Overflow)\b", r"://|\bwww\.|\blinks?\b|\burl|\bwiki|stack ?overflow|\bsee\b"
    ),
    "apology": _of(
        r"\bapology accepted|\bforgiven?\b|\b(?:the|your|this|an?) apology|\bsorry\b",
        r"\b(?:sorry|apolog|forgiv|oops|my bad|pardon)",
    ),
    "thanks": _of(r"\byou(?:'re| are) welcome\b|\bthanking\b", r"\bthank"),
    "a question": _of(
        r"^(?:Yes|No)[,.:;]|^(?:Nobody knows|Good question|To answer)\b",
        r"\?|\b(?:why|who|what|how|when|whether|if|yes|no)\b",
    ),
    "again": _of(r"\b(?:again|once more|yet another)[,.:;!?]", r"\b(?:again|another|still|every|always|re\w+)"),
    "docstring": _of(r"\bdocstrings?\b", r"\"\"\"|'''|\bdoc"),
    "function": _of(
        r"\b(?:this|the|your|that) (?:function|method|callback|lambda)\b",
        r"\b(?:def|lambda|func\w*|method|callback)\b|\w\(",
    ),
    "class": _of(r"\b(?:this|the|your|that) (?:class|subclass|base class)\b", r"\b(?:sub)?class|\bself\b"),
    "parameter": _of(
        r"\b(?:this|the|your|that|these) (?:parameters?|arguments?|default|signature)\b",
        r"\b(?:param|arg|default|signature)|\w\(",
    ),
    "variable": _of(
        r"\b(?:this|the|your|that) (?:variable|constant)\b", r"\b(?:variable|const)|[\w\]] ?=[^=]|\b\w+_\w+"
    ),
    "import": _of(r"\b(?:this|the|your|that|star) imports?\b", r"\bimport"),
    "except": _of(r"\b(?:bare|the|this) except\b", r"\bexcept"),
    "commented-out": _of(
        r"\bcomment(?:ed|ing) (?:it |them )?out\b", r"comment|\w\(|[\w\]] ?=|\bold\b|\bdead\b|\bunused\b"
    ),
    "blame": _of(
        r"\bgit (?:blame|log)\b|\bcommit messages?\b", r"\b(?:git|blame|commit|branch|merge|rebase|push|author|who)\b"
    ),
    "who": _of(
        r"(?<!\w)(?:[Hh]e|[Ss]he|[Hh]im|[Hh]er|[Hh]is)\b",
        r"\b(?:[Hh]e|[Ss]he|[Hh]im|[Hh]er|[Hh]is|[Bb]oss|[Mm]y|[Oo]ur|[A-Z][a-z]+'s)\b",
        0,
    ),
    "intern": _of(r"\b(?:the|this|your) intern\b", r"\bintern"),
    "boss": _of(r"\b(?:the|your) (?:boss|manager|CEO)\b", r"\b(?:boss|manag|ceo|director)"),
    "customer": _of(r"\byour (?:customers?|users?)\b", r"\b(?:customer|user|client|people|product)"),
    "giving up": _of(r"\b(?:you|your) (?:gave|giving|give) up\b", r"\b(?:g[ia]ve|giving) up\b|\bquit"),
    "love": _of(r"\byou (?:love|adore|enjoy)\b", r"\b(?:love|like|ador|enjoy|great|best|fantastic|fan\b|favou?rite)"),
    "hate": _of(r"\byou (?:hate|loathe|dislike)\b", r"\b(?:hate|loathe|dislike|awful|worst|terrible)"),
}


@lru_cache(maxsize=4096)
def presumptions(remark: str, context: str) -> frozenset[str]:
    """Return what a remark presumes of whatever it is made on.

    Args:
        remark (str): The remark.
        context (str): The comment that it was written for; empty where there is none.
    """
    found = {name for name, one in _RECOGNISERS.items() if one.remark.search(remark)}
    found |= {f"{COUNTED}{value:g}" for value in _presumed_numbers(remark, context)}
    return frozenset(found | (_names(remark) & {word.lower() for word in _WORD.findall(context)}))


def is_so(presumption: str, comment: str) -> bool:
    """Return whether something that a remark presumes is so of a comment; of an unknown word: whether it is there."""
    if presumption.startswith(COUNTED):
        return float(presumption.removeprefix(COUNTED)) in {value for value, _ in numbers_in(comment)}
    if presumption in _RECOGNISERS:
        return _RECOGNISERS[presumption].comment.search(comment) is not None
    return content_words(presumption) <= content_words(comment)


def _presumed_numbers(remark: str, context: str) -> set[float]:
    own = {value for value, _ in numbers_in(context)}
    found = set()
    for value, match in numbers_in(remark):
        is_exact = match[0][0].isdigit() and value > 1
        is_claim = is_exact or (value > 2 and _CLAIMS.search(remark[: match.start()]) is not None)
        is_invented = is_claim and not _TIMES.match(remark, match.end())
        if (value in own and value > 1) or _YEAR.fullmatch(match[0]) or is_invented:
            found.add(value)
    return found


def _names(text: str) -> set[str]:
    """Return the names in a text, in lower case: words with a capital letter that start no sentence."""
    return {match[0].lower() for match in _NAME.finditer(text)} - {"i"}
