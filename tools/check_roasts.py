"""Check how varied the roasts are: repeated openings, near-duplicates, lengths, relation to the context.

Run as ``python -m tools.check_roasts [FILE …] [--unseen FILE]``.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from tenny_lsp.data import FOLDER
from tenny_lsp.features.decency import unkind_words
from tenny_lsp.features.subject import content_words
from tenny_lsp.learning.roasts import RoastExample, read_roasts

#: The roasts that the cynic is trained on, and those that answer where it has no remark to make.
ROASTS, REMARKS = FOLDER / "roasts.jsonl", FOLDER / "remarks.jsonl"


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; ``do_everything`` and ``doEverything`` are two words each."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", text).replace("_", " ").lower()
    return re.findall(r"[a-z]+(?:'[a-z]+)?|\d+", parted)


def grams(text: str, size: int) -> list[tuple[str, ...]]:
    """Return every ``size`` words that follow one another; all of a shorter text's words as one."""
    found = words(text)
    return [tuple(found[place : place + size]) for place in range(max(1, len(found) - size + 1))]


def distinct_bigrams(texts: Iterable[str]) -> float:
    """Return the share of distinct ones among all pairs of neighbouring words, in (0, 1]."""
    counts = Counter(chain.from_iterable(grams(text, 2) for text in texts))
    return len(counts) / counts.total()


def openings(texts: Iterable[str], size: int) -> Counter[str]:
    """Return how often each first ``size`` words open a text."""
    return Counter(" ".join(words(text)[:size]) for text in texts)


def jaccard(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    """Return the share of two sets' elements that both have."""
    return len(one & other) / len(one | other)


def near_duplicates(texts: Sequence[str], similarity: float, size: int = 3) -> list[tuple[float, str, str]]:
    """Return the pairs whose word ``size``-grams have a Jaccard similarity above ``similarity``, most alike first."""
    shingles = [set(grams(text, size)) for text in texts]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    pairs: set[tuple[int, int]] = set()
    for place, own in enumerate(shingles):
        for gram in own:
            pairs.update((other, place) for other in holders[gram])
            holders[gram].append(place)
    scored = [(jaccard(shingles[a], shingles[b]), texts[a], texts[b]) for a, b in pairs]
    return sorted((pair for pair in scored if pair[0] > similarity), reverse=True)


def off_subject(roasts: Iterable[RoastExample]) -> list[RoastExample]:
    """Return the roasts whose response shares no content word with its context."""
    return [roast for roast in roasts if not content_words(roast.context) & content_words(roast.response)]


def badly_formed(roasts: Iterable[RoastExample]) -> list[tuple[str, RoastExample]]:
    """Return the roasts that are too short or long, unfinished, marked up, not ASCII or unkind, with the reason."""
    found = []
    for roast in roasts:
        response = roast.response
        reasons = {
            "length": not 6 <= len(response.split()) <= 32,
            "unfinished": not re.search(r"[.?!][\"')]?$", response),
            "not one line of plain text": not response.isascii() or not response.isprintable(),
            "markup": bool(re.search(r"[*`<>\[\]{}]|https?:|^#|(?<!\w)_|_(?!\w)", response)),
            "forbidden word": bool(unkind_words(f"{response} {roast.context}")),
        }
        found += [(reason, roast) for reason, is_so in reasons.items() if is_so]
    return found


def leaks(comments: Iterable[str], roasts: Sequence[RoastExample]) -> list[tuple[str, str]]:
    """Return each unseen comment that a roast's context or response gives away, with that text.

    Given away is: four words in a row, or more than half of the words of comment and context together.
    """
    texts = [text for roast in roasts for text in (roast.context, roast.response)]
    fours = [set(grams(text, 4)) for text in texts]
    contexts = {roast.context: set(grams(roast.context, 1)) for roast in roasts}
    found = []
    for comment in comments:
        four, single = set(grams(comment, 4)), set(grams(comment, 1))
        found += [(comment, text) for text, other in zip(texts, fours, strict=True) if four & other]
        found += [(comment, context) for context, other in contexts.items() if jaccard(single, other) > 0.5]
    return found


def report(roasts: Sequence[RoastExample]) -> str:
    """Return what was measured, one fact a line."""
    contexts, responses = [roast.context for roast in roasts], [roast.response for roast in roasts]
    labels = Counter(roast.sentiment or "unlabelled" for roast in roasts)
    lengths = sorted(len(response.split()) for response in responses)
    lines = [
        f"rows: {len(roasts)}, distinct contexts: {len(set(contexts))}, distinct responses: {len(set(responses))}",
        "sentiment: " + ", ".join(f"{label} {count / len(roasts):.0%}" for label, count in labels.most_common()),
        f"distinct bigrams: responses {distinct_bigrams(responses):.3f}, contexts {distinct_bigrams(contexts):.3f}",
        f"words in a response: {lengths[0]} to {lengths[-1]}, median {lengths[len(lengths) // 2]}",
        f"responses that share a content word with their context: {1 - len(off_subject(roasts)) / len(roasts):.1%}",
    ]
    for size in (1, 2, 3):
        most = ", ".join(f"{opening!r} {count}" for opening, count in openings(responses, size).most_common(8))
        lines.append(f"openings of {size}: {most}")
    for name, texts in (("responses", responses), ("contexts", contexts)):
        pairs = near_duplicates(texts, 0.2)
        lines.append(f"near-duplicate {name} (trigram Jaccard > 0.2): {len(pairs)}")
        lines += [f"  {score:.2f}  {one}  |  {other}" for score, one, other in pairs[:10]]
    shared = Counter(gram for response in responses for gram in set(grams(response, 4)))
    lines.append("four words in most responses: " + ", ".join(f"{' '.join(g)!r} {n}" for g, n in shared.most_common(8)))
    lines += [f"badly formed ({reason}): {roast.response}" for reason, roast in badly_formed(roasts)]
    return "\n".join(lines)


def main() -> None:
    """Print the report, and which unseen comments the roasts give away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", default=[ROASTS, REMARKS])
    parser.add_argument("--unseen", type=Path, help='JSON lines {"comment": …} that must not be learned from')
    arguments = parser.parse_args()
    roasts = [roast for file in arguments.files for roast in read_roasts(file)]
    print(report(roasts))
    if arguments.unseen:
        rows = map(json.loads, arguments.unseen.read_text("utf-8").splitlines())
        given_away = leaks([row["comment"] for row in rows], roasts)
        print(f"given away: {len(given_away)}", *(f"  {one}  |  {other}" for one, other in given_away), sep="\n")


if __name__ == "__main__":
    main()
