"""Build the corpus that the base model is pretrained on: JSON lines, a file for each part."""

import json
import random
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tenny_lsp.learning.split import split_of
from tenny_lsp.mlx_api.naming import customary_name
from tenny_lsp.model.prompts import WORDINGS, completion, prompt_of
from tools import reading
from tools.docstrings import Entry, entries
from tools.duplicates import Seen, code_lines, trigrams
from tools.hand_written import code_rows
from tools.packages import (
    DEBIAN,
    DOCUMENTED,
    MLX_CODE,
    PYTHON_CODE,
    Package,
    debian_texts,
    fetch,
    fetch_english,
    find,
)
from tools.parts import HELD_OUT

#: The most that one package gives to the part of general Python, in characters.
_PYTHON_CHARACTERS = 3_000_000
_ROOTS = {
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "dm-haiku": "haiku",
    "imbalanced-learn": "imblearn",
    "umap-learn": "umap",
    "POT": "ot",
}
_ALIASES = {"numpy": "np", "pandas": "pd", "jax.numpy": "jnp"}
_LIBRARY = re.compile(r"\b(?:Apple )?(?:mlx|MLX)\b")
_SEED = 0


def build(folder: Path) -> None:
    """Fetch the packages and write ``parts/*.jsonl`` and ``sources.json`` (the licences) in ``folder``."""
    fetch(folder, ["mlx", *MLX_CODE, *(name for name in PYTHON_CODE if name != "torch")])
    fetch_english(folder)
    packages = {name: find(name, folder) for name in ("mlx", *MLX_CODE, *PYTHON_CODE)}
    usable = {name: package for name, package in packages.items() if package and package.licence}
    mlx = entries(usable["mlx"], "mlx")
    heldout = [entry.summary for entry in mlx if _split(entry) != "train" and len(entry.summary) >= 40]
    known = [entry for entry in mlx if _split(entry) == "train" and not entry.prose.startswith("See `")]
    documented = {name: _own_entries(package) for name, package in usable.items() if name in DOCUMENTED}
    seen = Seen(code_lines, similarity=0.7)
    parts = {f"valid_{name}": seen.distinct(code_rows([packages[name]], [])) for name in HELD_OUT}
    code = code_rows([usable[name] for name in MLX_CODE if name in usable and name not in HELD_OUT], heldout)
    parts["code"] = seen.distinct(code)
    parts["python"] = seen.distinct(_python([usable[name] for name in PYTHON_CODE if name in usable], heldout))
    parts["docs"] = Seen(trigrams, similarity=0.8).distinct(_prose(documented, heldout))
    parts["mlx_docs"] = list(_prose({"mlx": known}, []))
    parts["questions"] = list(_questions(documented, random.Random(_SEED), forms_per_wording=0))
    parts["reading"] = list(_reading(documented, random.Random(_SEED), questions=2))
    parts["mlx_reading"] = list(_reading({"mlx": known}, random.Random(_SEED), questions=20))
    parts["mlx_questions"] = list(_questions({"mlx": known}, random.Random(_SEED), forms_per_wording=2))
    parts["english"] = list(_english(usable, folder))
    (folder / "parts").mkdir(exist_ok=True)
    for part, rows in parts.items():
        random.Random(_SEED).shuffle(rows)
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "parts" / f"{part}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{part}: {len(rows)} rows, {sum(len(row['text']) for row in rows)} characters")
    sources = {name: [package.version, package.licence] for name, package in usable.items() if name not in HELD_OUT}
    sources |= {name: ["Debian", licence] for name, (licence, _) in DEBIAN.items()}
    (folder / "sources.json").write_text(json.dumps(sources, indent=1, sort_keys=True), encoding="utf-8")
    print("left out (no permissive licence stated, or no wheel):", *(sorted(set(packages) - set(usable))))


def _split(entry: Entry) -> str:
    return split_of(entry.name, seed=0, test_size=0.05, valid_size=0.05)


def _python(packages: list[Package], refused: list[str]) -> Iterator[dict[str, str]]:
    """Yield hand-written files of each package, drawn by chance, until they are enough."""
    for package in packages:
        rows = code_rows([package], refused)
        random.Random(_SEED).shuffle(rows)
        characters = 0
        for row in rows:
            characters += len(row["text"])
            if characters > _PYTHON_CHARACTERS:
                break
            yield row


def _own_entries(package: Package) -> list[Entry]:
    """Return a package's entries, one for each distinct text, at most 4000."""
    root = _ROOTS.get(package.name, package.name.replace("-", "_"))
    found = {entry.prose: entry for entry in reversed(entries(package, root))}
    chosen = list(found.values())
    random.Random(_SEED).shuffle(chosen)
    return chosen[:4000]


def _prose(documented: dict[str, list[Entry]], refused: list[str]) -> Iterator[dict[str, str]]:
    for package, found in documented.items():
        for entry in found:
            if not any(quoted in entry.prose for quoted in refused):
                yield {"package": package, "text": f"{entry.name}{entry.signature[:200]}\n\n{entry.prose}"}


def _questions(
    documented: dict[str, list[Entry]], choice: random.Random, *, forms_per_wording: int
) -> Iterator[dict[str, str]]:
    """Yield question rows: every wording ``forms_per_wording`` times, or one wording of each kind where 0."""
    for package, found in documented.items():
        for entry in found:
            for kind, answer in _answers(entry).items():
                wordings = WORDINGS[kind] * forms_per_wording or (choice.choice(WORDINGS[kind]),)
                for wording in wordings:
                    asked = _asked(entry, wording, package=package, choice=choice)
                    yield {"package": package, "text": prompt_of(asked) + completion(answer)}


def _reading(documented: dict[str, list[Entry]], choice: random.Random, *, questions: int) -> Iterator[dict[str, str]]:
    for package, found in documented.items():
        ask = partial(_asked, package=package, choice=choice)
        yield from ({"package": package, **row} for row in reading.rows(found, choice, ask, questions=questions))


def _answers(entry: Entry) -> dict[str, str]:
    """Return the answer to each kind of question that the entry's documentation answers."""
    answers = {
        "what": f"{entry.name} {entry.summary}" if entry.summary else "",
        "arguments": f"{entry.name} takes {entry.arguments}" if entry.arguments else "",
        "returns": f"{entry.name} returns {entry.returns}" if entry.returns else "",
        "call": customary_name(entry.name) + entry.signature if 2 < len(entry.signature) < 240 else "",
    }
    return {kind: answer for kind, answer in answers.items() if answer and len(answer) < 600}


def _asked(entry: Entry, wording: str, *, package: str, choice: random.Random) -> str:
    """Return a question that names the entry bare, by its customary alias or qualified."""
    components = entry.name.split(".")
    bare = ".".join(components[-2:] if components[-2][:1].isupper() else components[-1:])
    if package == "mlx":
        return wording.replace("{name}", choice.choice((bare, customary_name(entry.name), entry.name)))
    customary = entry.name
    for module, alias in _ALIASES.items():
        if entry.name.startswith(module + "."):
            customary = alias + entry.name[len(module) :]
    forms = (bare, customary, entry.name) if _LIBRARY.search(wording) else (customary, entry.name)
    return _LIBRARY.sub(components[0], wording).replace("{name}", choice.choice(forms))


def _english(usable: dict[str, Package], folder: Path) -> Iterator[dict[str, str]]:
    for name in DEBIAN:
        for text in debian_texts(name, folder):
            clean = re.sub(r":[\w:+-]+:`[~!]?([^`<]*?)(?: ?<[^`]*>)?`", r"`\1`", text).replace("``", "`")
            yield from ({"package": name, "text": piece} for piece in _pieces(clean, 20_000))
    for name, package in usable.items():
        if name in MLX_CODE and name not in HELD_OUT:
            yield {"package": name, "text": package.metadata.get("description", "")}


def _pieces(text: str, size: int) -> Iterator[str]:
    """Yield a long text in pieces of at least ``size`` characters, cut between paragraphs."""
    piece = ""
    for paragraph in text.split("\n\n"):
        piece += paragraph + "\n\n"
        if len(piece) >= size:
            yield piece
            piece = ""
    if piece.strip():
        yield piece
