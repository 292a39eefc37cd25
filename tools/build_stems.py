"""Write the stems of the words of Tenny's own texts: stemming them took half of the time of a first search or roast."""

from collections import defaultdict
from unittest.mock import patch

from tenny_lsp.data import FOLDER
from tenny_lsp.features.ask import search_in
from tenny_lsp.features.feeling import chances
from tenny_lsp.features.repertoire import repertoire
from tenny_lsp.mlx_api import words
from tenny_lsp.mlx_api.environment import find_installed
from tenny_lsp.mlx_api.index import extract
from tenny_lsp.mlx_api.search import count_of_field_words


def stemmed() -> dict[str, set[str]]:
    """Return stem → the words that have it, of all words that are stemmed before somebody has written any."""
    found: dict[str, set[str]] = defaultdict(set)

    def recorded(word: str) -> str:
        stem = words.snowball_stem(word)
        found[stem].add(word)
        return stem

    with patch("tenny_lsp.mlx_api.words.shipped_stem", recorded):
        words.stem.cache_clear()
        search_in(extract(find_installed("mlx")))
        count_of_field_words("")
        chances("")
        repertoire().unheard_of("nothing", "")
    return found


def main() -> None:
    """Write the file; the same texts give the same bytes."""
    found = stemmed()
    rows = [" ".join([stem, *sorted(found[stem])]) for stem in sorted(found)]
    (FOLDER / words.STEMS).write_text("# A stem, and the words that have it.\n" + "\n".join(rows) + "\n", "utf-8")
    print(f"{words.STEMS}: {sum(map(len, found.values()))} words, {len(rows)} stems")


if __name__ == "__main__":
    main()
