"""The plan of the house, read from its imports: who may know whom, and who alone knows a library."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "tenny_lsp"
FILES = sorted(ROOT.rglob("*.py"))
#: What an editor launches: it runs before anything is installed, on Pythons older than Tenny's.
BOOTSTRAP = sorted((ROOT.parent / "server").glob("*.py"))
MAX_LINES = 250
MAX_FUNCTION_LINES = 40

#: Module or package → what it may import of Tenny, besides its own package, the errors and the version.
MAY_IMPORT = {
    "__main__": {"cli", "wiring"},
    "cli": {"__main__", "evaluation", "features", "folders", "learning", "mlx_api.index", "mlx_api.search"}
    | {"model.protocol", "model.runtime", "source", "terminal", "wiring"},
    "hub": set(),
    # Makes the model that the server asks for, without what a terminal needs.
    "wiring": {
        "folders",
        "hub",
        "model.client",
        "model.keeper",
        "model.precomputed",
        "model.protocol",
        "server",
        "settings",
    },
    # Besides features: the text and the index it hands them, and the answers of a model it has never seen.
    "server": {"documents", "features", "mlx_api.index", "model.answers", "model.protocol", "settings"}
    | {"asking", "diagnostics", "dialects", "indexes", "reviewing", "roasting", "speaking", "status"}
    | {"translation", "writing"},
    # Which MLX is meant where, who speaks, and what an editor is told of both.
    "indexes": {"folders", "mlx_api.index"},
    "speaking": {"model.protocol", "server", "settings"},
    "status": {"server"},
    # Pitfalls as the protocol says them, of the server's own documents.
    "diagnostics": {"documents", "features", "roasting", "server"},
    # What comes with the keystrokes; it is the server's own, and knows it.
    "writing": {"completion_items", "features", "model.scores", "server"},
    "completion_items": {"features", "mlx_api.index", "translation"},
    # What commands do: each is the server's own, and knows it.
    "asking": {"features.ask", "mlx_api.index", "mlx_api.search", "progress", "server"},
    "roasting": {"documents", "features", "folders", "model.protocol", "progress", "server", "source"},
    "reviewing": {"documents", "features.review", "progress", "server"},
    "progress": {"server"},
    "cancelling": set(),
    "dialects": {"cancelling"},
    # What features answer, and where in a document.
    "translation": {"documents", "features"},
    # Texts and what is known of them, kept between requests.
    "documents": {"mlx_api.index", "source"},
    "terminal": {
        "evaluation.scores",
        "features.ask",
        "learning.dataset",
        "learning.options",
        "mlx_api",
        "model.prompts",
    },
    "settings": set(),
    "folders": set(),
    "errors": set(),
    "features": {"mlx_api", "model.prompts", "model.protocol", "source", "words"},
    # Asks as hovers do, checks as hovers do, and reads rows and loads bases as a training does.
    "evaluation": {"features.grounding", "features.hover", "learning", "mlx_api", "model.prompts", "model.protocol"}
    | {"model.runtime"},
    # An adapter's card names its base by the fingerprint that the worker checks.
    "learning": {"folders", "hub", "mlx_api", "model.identity", "model.precomputed", "model.prompts", "model.runtime"},
    "model": set(),
    "source": {"mlx_api.entry", "mlx_api.index", "mlx_api.returns"},
    "mlx_api": {"words"},
    "words": set(),
}

#: Library → the files that are its door.
DOORS = {
    "griffe": {"mlx_api.reading"},
    "bm25s": {"mlx_api.search"},
    "snowballstemmer": {"words"},
    "tree_sitter": {"source.syntax"},
    "tree_sitter_python": {"source.syntax"},
    "tokenizers": {"model.light"},
    "pygls": {"cancelling", "dialects", "documents", "progress", "roasting", "server"},
    "lsprotocol": {
        "asking",
        "cancelling",
        "completion_items",
        "diagnostics",
        "dialects",
        "documents",
        "progress",
        "reviewing",
        "roasting",
        "server",
    }
    | {"translation", "writing"},
    "typer": {"cli.app", "cli.asking", "cli.checking", "cli.learning", "cli.serving"},
    "rich": {"cli.app", "terminal"},
    "rapidfuzz": {"evaluation.answering"},
    "matplotlib": {"evaluation.report"},
    # MLX stays in the worker's process, in training, and where doctor measures it.
    "mlx": {
        "evaluation.measures",
        "model.sampling",
        "model.scoring",
        "model.voice",
        "model.runtime",
        "learning.gradient",
        "learning.lora",
        "learning.session",
    },
    "mlx_lm": {
        "evaluation.measures",
        "model.sampling",
        "model.scoring",
        "model.voice",
        "learning.lora",
        "learning.session",
    },
    "huggingface_hub": {"hub"},
    "numpy": {"learning.batches"},
    "platformdirs": {"folders", "mlx_api.index", "model.answers", "model.runtime"},
    "tomli": {"mlx_api.foreign", "mlx_api.index", "mlx_api.returns", "mlx_api.search", "source.width"},
}

#: What imports MLX when it is imported itself: nobody on the server's side may, not even through others.
HEAVY = {
    "evaluation.measures",
    "model.sampling",
    "model.scoring",
    "model.voice",
    "learning.gradient",
    "learning.lora",
    "learning.session",
    "learning.train",
}


def module_of(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports_of(file: Path, *, at_import: bool = False) -> Iterator[str]:
    """Yields the full names a file imports; ``at_import``: only those that are imported with it."""
    tree = ast.parse(file.read_text("utf-8"))
    for node in _run_at_import(tree) if at_import else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        is_later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        is_for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (is_later or is_for_types):
            yield child
            yield from _run_at_import(child)


def module_named(imported: str) -> str:
    """Returns Tenny's module that an imported name lies in: ``tenny_lsp.errors.TennyError`` lies in ``errors``."""
    parts = imported.split(".")[1:]
    while parts and not (ROOT.joinpath(*parts).with_suffix(".py").is_file() or ROOT.joinpath(*parts).is_dir()):
        parts.pop()
    return ".".join(parts)


def owns(rules: set[str], module: str) -> bool:
    return any(f"{module}.".startswith(f"{rule}.") for rule in rules)


INSIDE = {
    module_of(file): {module_named(name) for name in imports_of(file) if f"{name}.".startswith("tenny_lsp.")} - {""}
    for file in FILES
}


@pytest.mark.parametrize("module", INSIDE)
def test_who_may_import_whom(module: str) -> None:
    package = module.partition(".")[0]
    allowed = MAY_IMPORT.get(package, set()) | {package, "errors"}

    assert package in MAY_IMPORT or module == "__init__"
    assert {found for found in INSIDE[module] if not owns(allowed, found)} == set()


def test_no_permission_is_left_unused() -> None:
    used: dict[str, set[str]] = defaultdict(set)
    for module, found in INSIDE.items():
        used[module.partition(".")[0]] |= found

    unused = {
        (who, whom)
        for who, allowed in MAY_IMPORT.items()
        for whom in allowed
        if not any(owns({whom}, u) for u in used[who])
    }
    assert unused == set()


def test_every_library_has_its_door() -> None:
    doors: dict[str, set[str]] = defaultdict(set)
    for file in FILES:
        for name in imports_of(file):
            library = name.partition(".")[0]
            if library not in {*sys.stdlib_module_names, "tenny_lsp", "tomllib"}:
                doors[library].add(module_of(file))

    assert doors == DOORS


def test_the_server_comes_nowhere_near_mlx() -> None:
    light = {module_of(file): set(imports_of(file, at_import=True)) for file in FILES}
    reached, waiting = set[str](), ["__main__", "cli", "server", "model.client"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += [module_named(name) for name in light.get(module, ()) if name.startswith("tenny_lsp.")]

    assert reached & HEAVY == set()
    assert [
        m for m in reached for name in light.get(m, ()) if name.partition(".")[0] in ("mlx", "mlx_lm", "numpy")
    ] == []
    assert {"features.hover", "mlx_api.index", "model.keeper", "source.bindings"} < reached


@pytest.mark.parametrize("file", BOOTSTRAP, ids=lambda file: file.stem)
def test_the_bootstrap_needs_nothing(file: Path) -> None:
    own = {other.stem for other in BOOTSTRAP}
    imported = {name.partition(".")[0] for name in imports_of(file)}
    # These two say of any Python 3 that it is too old.
    oldest = (3, 6) if file.stem in ("__main__", "reports") else (3, 8)

    assert not own & sys.stdlib_module_names, "Python's own module would be hidden"
    assert imported <= own | sys.stdlib_module_names
    assert oldest >= (3, 8) or "__future__" not in imported
    ast.parse(file.read_text("utf-8"), feature_version=oldest)


@pytest.mark.parametrize("file", [*FILES, *BOOTSTRAP], ids=lambda file: file.relative_to(ROOT.parent).as_posix())
def test_a_file_keeps_the_habits(file: Path) -> None:
    text = file.read_text("utf-8")
    nodes = list(ast.walk(ast.parse(text)))

    assert text.count("\n") <= MAX_LINES
    assert [node.lineno for node in nodes if isinstance(node, ast.ImportFrom) and node.level] == []
    private = [name for name in imports_of(file) if name.startswith("tenny_lsp.") and "._" in name.replace("__", "")]
    assert private == []
    if file.name != "cli.py":
        prints = [n.lineno for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
        assert prints == []


def test_a_function_fits_on_a_screen() -> None:
    lines = {
        f"{file.relative_to(ROOT.parent)}: {node.name}": ast.unparse(node).count("\n")
        - (ast.get_docstring(node) or "").count("\n")
        for file in [*FILES, *BOOTSTRAP]
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: length for name, length in lines.items() if length > MAX_FUNCTION_LINES} == {}
