"""Find the page of MLX's documentation that documents a name."""

from functools import cache

from tenny_lsp.data import read_lines

_ROOT = "https://ml-explore.github.io/mlx/build/html/"


@cache
def documented_pages() -> dict[str, str]:
    """Return public name → page address for every symbol that MLX's documentation lists."""
    rows = (line.split("\t") for line in read_lines("documented.tsv"))
    return {name: _ROOT + page for name, page in rows}


def page_of(name: str) -> str | None:
    """Return the address of the page that documents a public name, or that of its class; None if none does."""
    pages = documented_pages()
    return pages.get(name) or pages.get(name.rpartition(".")[0])
