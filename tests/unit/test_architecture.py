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
MAX_LINES = 400
MAX_FUNCTION_LINES = 40

#: Module or package → what it may import of Tenny, besides its own package, the errors and the version.
MAY_IMPORT = {
    "__main__": {"cli", "wiring"},
    # data: the settings of ``check`` are in a pyproject.toml, and data is what parses TOML.
    "cli": {
        "data",
        "doctor",
        "evaluation",
        "features",
        "inference",
        "learning",
        "locations",
        "mlx_api",
        "model",
        "pitfalls",
    }
    | {"source", "wiring"},
    "doctor": {"features", "inference", "locations", "mlx_api", "model", "source", "wiring"},
    # Builds the server and the models without importing what only a terminal needs.
    "wiring": {"locations", "lsp", "model"},
    "lsp": {"features", "inference", "locations", "mlx_api", "model", "pitfalls", "source"},
    # ask answers with the explanations of the pitfalls.
    "features": {
        "data",
        "inference",
        "mlx_api",
        "model.prompts",
        "model.protocol",
        "model.waiting",
        "pitfalls",
        "source",
    },
    "pitfalls": {"inference", "mlx_api", "source"},
    "inference": {"mlx_api", "source"},
    "source": set(),
    "data": set(),
    "mlx_api": {"data"},
    "evaluation": {
        "features",
        "learning",
        "mlx_api",
        "model.adapter_files",
        "model.prompt_format",
        "model.prompts",
        "model.protocol",
        "model.runtime",
    },
    "learning": {"locations", "mlx_api", "model", "pitfalls"},
    "worker": {"model"},
    "model": set(),
    "locations": {"model.adapter_files", "model.endpoint_address"},
    "errors": set(),
}

#: Library → the files that are its door.
DOORS = {
    "griffe": {"mlx_api.extraction"},
    "bm25s": {"mlx_api.search"},
    "snowballstemmer": {"mlx_api.words"},
    "tree_sitter": {"source.syntax"},
    "tree_sitter_python": {"source.syntax"},
    "jinja2": {"worker.light"},
    "tokenizers": {"worker.light", "learning.convert.gguf_tokenizer"},
    "typer": {
        f"cli.{name}"
        for name in [
            "app",
            "ask",
            "check",
            "check_formats",
            "convert",
            "generate",
            "learn",
            "models",
            "serve",
            "train",
        ]
    },
    "rich": {"cli.app", "cli.tables"},
    "rapidfuzz": {"evaluation.answering"},
    "matplotlib": {"evaluation.report", "evaluation.training_report"},
    # MLX stays in the worker's process, in training, and where doctor measures it.
    "mlx": {
        "evaluation.executed",
        "evaluation.measures",
        "worker.greedy",
        "worker.llama",
        "worker.plain_llama",
        "worker.sampling",
        "worker.scoring",
        "worker.threads",
        "worker.voice",
        "model.runtime",
        "learning.objective",
        "learning.optimizer",
        "learning.lora",
        "learning.loop",
        "learning.step",
        "learning.fuse",
        "learning.convert.adapters",
        "learning.convert.gguf",
        "learning.convert.gguf_tensors",
        "learning.convert.lora_layers",
        "learning.convert.meta",
        "learning.convert.model",
        "learning.convert.npz",
        "learning.convert.peft",
        "learning.convert.torch_files",
    },
    "mlx_lm": {
        "evaluation.measures",
        "worker.greedy",
        "worker.llama",
        "worker.plain_llama",
        "worker.sampling",
        "worker.scoring",
        "worker.voice",
        "learning.lora",
        "learning.objective",
        "learning.fuse",
        "learning.convert.model",
    },
    "datasets": {"learning.dataset_files"},
    "mcp": {"cli.mcp"},
    "mcp_types": {"cli.mcp"},
    "tensorboardX": {"learning.trackers"},
    "wandb": {"learning.trackers"},
    # The one that goes to the network, where a user has named an endpoint.
    "httpx2": {"model.endpoint_http"},
    "huggingface_hub": {"learning.sources", "locations"},
    "numpy": {
        "learning.batches",
        "learning.convert.gguf_tensors",
        "learning.convert.torch_files",
        "worker.blas",
        "worker.llama",
    },
    "attr": {"lsp.generated_code"},
    "platformdirs": {
        "learning.fetch",
        "locations",
        "lsp.generated_code",
        "mlx_api.index",
        "model.answers",
        "model.private_folder",
        "model.runtime",
    },
    "sentencepiece": {"learning.convert.meta"},
    "tomli": {"data"},
    "yaml": {"learning.config_file"},
}
#: Libraries whose door is a whole package.
PACKAGE_DOORS = {"pygls": "lsp", "lsprotocol": "lsp"}

#: What imports MLX when it is imported itself: nobody on the server's side may, not even through others.
HEAVY = {
    "evaluation.executed",
    "evaluation.measures",
    "worker.greedy",
    "worker.llama",
    "worker.plain_llama",
    "worker.sampling",
    "worker.scoring",
    "worker.threads",
    "worker.voice",
    "learning.objective",
    "learning.optimizer",
    "learning.lora",
    "learning.loop",
    "learning.step",
    "learning.train",
    "learning.fuse",
    "learning.convert.adapters",
    "learning.convert.gguf",
    "learning.convert.gguf_tensors",
    "learning.convert.lora_layers",
    "learning.convert.meta",
    "learning.convert.model",
    "learning.convert.npz",
    "learning.convert.peft",
    "learning.convert.torch_files",
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


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Returns the groups of modules that import each other, directly or through others (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for other in sorted(graph.get(module, ())):
            if other not in order:
                visit(other)
            if other in stack:
                lowest[module] = min(lowest[module], lowest[other])
        if lowest[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            found.extend([sorted(group)] * (len(group) > 1))

    for module in sorted(graph):
        if module not in order:
            visit(module)
    return found


def test_no_modules_import_each_other_even_late_or_for_types_alone() -> None:
    assert circles(INSIDE) == []


def test_no_packages_import_each_other() -> None:
    packages: dict[str, set[str]] = defaultdict(set)
    for module, imported in INSIDE.items():
        packages[module.partition(".")[0]] |= {other.partition(".")[0] for other in imported}
    for package in packages:
        packages[package].discard(package)

    assert circles(packages) == []


def test_a_circle_would_be_seen() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


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
            if library in PACKAGE_DOORS:
                assert module_of(file).startswith(f"{PACKAGE_DOORS[library]}.")
            elif library not in {*sys.stdlib_module_names, "tenny_lsp", "tomllib"}:
                doors[library].add(module_of(file))

    assert doors == DOORS


def test_the_server_comes_nowhere_near_mlx() -> None:
    light = {module_of(file): set(imports_of(file, at_import=True)) for file in FILES}
    reached, waiting = set[str](), ["__main__", "cli.main", "lsp.server", "lsp.registration", "model.client"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += [module_named(name) for name in light.get(module, ()) if name.startswith("tenny_lsp.")]

    assert reached & HEAVY == set()
    assert [
        m for m in reached for name in light.get(m, ()) if name.partition(".")[0] in ("mlx", "mlx_lm", "numpy")
    ] == []
    assert {"features.hover", "inference.engine", "mlx_api.index", "model.keeper", "source.bindings"} < reached


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
    prints = [n.lineno for n in nodes if isinstance(n, ast.Call) and ast.unparse(n.func) == "print"]
    assert prints == []
    assert "asyncio.wait_for(" not in text, "loses cancellations before Python 3.12: see model.waiting"


def test_a_function_fits_on_a_screen() -> None:
    lines = {
        f"{file.relative_to(ROOT.parent)}: {node.name}": ast.unparse(node).count("\n")
        - (ast.get_docstring(node) or "").count("\n")
        for file in [*FILES, *BOOTSTRAP]
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert {name: length for name, length in lines.items() if length > MAX_FUNCTION_LINES} == {}


def test_every_class_has_a_name_of_its_own() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module_of(file))

    assert {name: modules for name, modules in homes.items() if len(modules) > 1} == {}
