"""Clean up parts of docstrings: summaries and return values."""

import re

#: The mark that ends a sentence; an abbreviation's does not.
SENTENCE_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)[.!?](?=\s|$)")


def first_paragraph(text: str) -> tuple[str, str]:
    """Return a text's first paragraph, which a list, a directive or a doctest ends too, and what follows it."""
    end = re.search(r"\n\s*\n|\n(?=\s*(?:[*+-] |\.\. |>>>))", text)
    return (text[: end.start()], text[end.end() :]) if end else (text, "")


def untyped(text: str) -> str:
    """Return a return value's text without the type before it; griffe takes simple types off, not these."""
    return re.sub(r"^[A-Za-z.]+\[[^:\n]*\]:\s+", "", text)


def whole_sentences(summary: str) -> str:
    """Return a first paragraph on one line, without reference marks and the lead-in to what follows it."""
    text = re.sub(r"\s*\[\d+\](?=[\s.,]|$)", "", " ".join(summary.split()))
    if text.endswith((",", ":")):
        whole = re.match(r"(.*[.!?])\s", text)
        text = whole[1] if whole else text.rstrip(",:") + "."
    return text
