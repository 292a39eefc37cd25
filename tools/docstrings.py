"""Read a package's docstrings with ``ast`` alone: as clean prose, and as questions with answers."""

import ast
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tools.packages import Package

_SKIPPED_PATH = re.compile(r"(^|/)(tests?|testing|_?vendor(ed)?|third_party|externals?|conftest|benchmarks?)[/.]")
_SECTION = re.compile(r"\n *([A-Z][A-Za-z ]+)\n *[-=~]{3,}\n")
_CUT_SECTION = re.compile(
    r"\n *(Examples?|References|See Also|Example usage|Notes)(:{1,2}|\n *-{3,})? *\n.*", re.DOTALL
)
_DROPPED_DIRECTIVE = re.compile(r"^( *)\.\. [a-zA-Z-]+:: ?.*\n(?:(?:\1 +.*)?\n)*", re.MULTILINE)
_ARGUMENT = re.compile(r"^ *\*{0,2}(\w+) *\(([^\n]*?)\): *(.*(?:\n {6,}.*)*)", re.MULTILINE)
_NUMPY_ARGUMENT = re.compile(r"^(\w+)(?:, \w+)* ?: (.+)\n((?: +.*\n?)+)", re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A documented public name.

    Args:
        name (str): Qualified, by the shortest path that its package exports it by.
        signature (str): ``(a, b=1)``; empty where it is unknown.
        prose (str): The docstring, cleaned.
    """

    name: str
    signature: str
    prose: str

    @property
    def summary(self) -> str:
        """The first paragraph on one line, at most about 240 characters, ended at a sentence's end."""
        line = " ".join(self.prose.split("\n\n")[0].split())
        if line.endswith(":") or len(line) > 240:
            line = re.split(r"(?<=[.!?]) (?=[A-Z])", line)[0]
        return line if len(line) <= 240 else ""

    @property
    def arguments(self) -> str:
        """The documented arguments on one line; empty where there are none."""
        return "; ".join(self.argument_lines)

    @property
    def argument_lines(self) -> list[str]:
        """The first five documented arguments, each with its type and first sentence."""
        body = _part(self.prose, "Args", "Parameters")
        found = _ARGUMENT.findall(body) or _NUMPY_ARGUMENT.findall(body)
        rows = (f"{name} ({kind.strip()}): {_first_sentence(text)}" for name, kind, text in found[:5])
        return [row.rstrip(" .:") for row in rows]

    @property
    def returns(self) -> str:
        """What it returns, on one line; empty where that is not documented."""
        return _first_sentence(_part(self.prose, "Returns", "Returns"), limit=200)


def entries(package: Package, root: str) -> list[Entry]:
    """Return the documented public names of a package whose modules are under ``root``."""
    modules = {}
    for path, text in package.texts(rf"^{root}/.*\.pyi?$"):
        if _SKIPPED_PATH.search(path) or len(text) > 2_000_000:
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        modules[re.sub(r"(/__init__)?\.pyi?$", "", path).replace("/", ".")] = tree
    exported = _exports(modules)
    found: dict[str, Entry] = {}
    for module, tree in modules.items():
        for entry in _documented(module, tree, exported):
            if entry.prose and entry.name not in found:
                found[entry.name] = entry
    return list(found.values())


def clean(docstring: str) -> str:
    """Return a docstring as prose: no roles, double backticks, directives, doctests or example sections."""
    text = inspect.cleandoc(docstring) + "\n"
    text = _CUT_SECTION.sub("\n", text)
    text = re.sub(r"^( *)\.\. (note|warning|tip)::", r"\1Note:", text, flags=re.MULTILINE)
    text = _DROPPED_DIRECTIVE.sub("", text)
    text = re.sub(r"(?:^ *(?:>>>|\.\.\.).*\n(?:.+\n)*)+", "", text, flags=re.MULTILINE)
    text = re.sub(r":[\w:+-]+:`~?([^`<]*?)(?: ?<[^`]*>)?`", _role_text, text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r"`([^`<]+) <[^`>]+>`_{1,2}", r"\1", text)
    text = _SECTION.sub(r"\n\1:\n", text)
    text = re.sub(r"::\n", ":\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()[:3000]


def _role_text(match: re.Match[str]) -> str:
    tilde = "`~" in match[0]
    return f"`{match[1].rsplit('.', 1)[-1] if tilde else match[1]}`"


def _part(prose: str, *titles: str) -> str:
    """Return the text under a title, up to the next title."""
    for title in titles:
        if found := re.search(rf"(?:^|\n){title}: *\n(.*?)(?=\n[A-Z][A-Za-z ]+: *\n|\Z)", prose, re.DOTALL):
            return inspect.cleandoc("\n" + found[1]) + "\n"
    return ""


def _first_sentence(text: str, limit: int = 120) -> str:
    line = re.split(r"(?<=[.!?]) (?=[A-Z])", " ".join(text.split()))[0]
    return line if len(line) <= limit else ""


def _exports(modules: dict[str, ast.Module]) -> dict[tuple[str, str], str]:
    """Return (module, name) → the shortest public path by which an ``__init__`` exports it."""
    exported: dict[tuple[str, str], str] = {}
    parents = {module.rpartition(".")[0] for module in modules}
    for package in sorted(parents & set(modules), key=lambda name: (name.count("."), name)):
        if "._" not in package:
            for source, name, alias in _imports(package, modules, parents, depth=4):
                exported.setdefault((source, name), f"{package}.{alias}")
    return exported


def _imports(
    package: str, modules: dict[str, ast.Module], parents: set[str], depth: int
) -> Iterator[tuple[str, str, str]]:
    """Yield (defining module, name, alias) of what a module imports from its own package, stars included."""
    own_package = package if package in parents else package.rpartition(".")[0]
    for node in modules[package].body:
        if not isinstance(node, ast.ImportFrom):
            continue
        parent = own_package.rsplit(".", node.level - 1)[0] if node.level > 1 else own_package
        source = ".".join(filter(None, [parent if node.level else "", node.module]))
        if source not in modules or source == package or depth == 0:
            continue
        deeper = {alias: (module, name) for module, name, alias in _imports(source, modules, parents, depth - 1)}
        names = [(alias.name, alias.asname or alias.name) for alias in node.names]
        if names == [("*", "*")]:
            own = [item.name for item in modules[source].body if isinstance(item, ast.FunctionDef | ast.ClassDef)]
            names = [(name, name) for name in [*own, *deeper] if not name.startswith("_")]
        for name, alias in names:
            if not alias.startswith("_"):
                yield (*deeper.get(name, (source, name)), alias)


def _documented(module: str, tree: ast.Module, exported: dict[tuple[str, str], str]) -> Iterator[Entry]:
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _added_docstring(node.value)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        public = exported.get((module, node.name), f"{module}.{node.name}")
        if "._" in public:
            continue
        yield Entry(public, _signature(node), clean(ast.get_docstring(node) or ""))
        for item in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
                yield Entry(f"{public}.{item.name}", _signature(item), clean(ast.get_docstring(item) or ""))


def _added_docstring(call: ast.Call) -> Iterator[Entry]:
    """Yield what PyTorch's ``add_docstr(torch.abs, "…")`` documents."""
    if ast.unparse(call.func) not in ("add_docstr", "add_docstr_all") or len(call.args) < 2:
        return
    name, text = call.args
    if isinstance(text, ast.Call) and isinstance(text.func, ast.Attribute):
        text = text.func.value
    if isinstance(text, ast.Constant) and isinstance(text.value, str) and isinstance(name, ast.Attribute):
        heading, _, body = inspect.cleandoc(text.value).partition("\n")
        if "->" in heading and "._" not in ast.unparse(name):
            signature = heading[heading.find("(") : heading.rfind("->")].strip()
            prose = "\n".join(line for line in clean(body).splitlines() if not re.fullmatch(r" *\{\w+\}", line))
            yield Entry(ast.unparse(name), signature, prose)


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Return the arguments as they are written, without ``self``."""
    if isinstance(node, ast.ClassDef):
        inner = (item for item in node.body if isinstance(item, ast.FunctionDef))
        node_or_none = next((item for item in inner if item.name == "__init__"), None)
        return _signature(node_or_none) if node_or_none else ""
    return re.sub(r"^\((self|cls)(, |(?=\)))", "(", f"({ast.unparse(node.args)})")
