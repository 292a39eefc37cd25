"""Find what packages define that are installed beside the API and build on it, such as mlx-lm, by reading their source.

Nothing is imported. A name that a module binds more than once, or under a condition, is unknown.
"""

from pathlib import Path, PurePosixPath

from tenny_lsp.inference.definitions import meaning_of_definition
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.meaning import LocalClass, LocalFunction
from tenny_lsp.inference.members import member

#: How many modules may hand a name on.
_DEEPEST = 4


def is_of_package(evaluator: Evaluator, name: str) -> bool:
    """Return whether a dotted name is, by its first part, of a package that builds on the API and may be read."""
    root = name.partition(".")[0]
    builds_on = evaluator.index.package in root and root != evaluator.index.package
    return builds_on and not evaluator.index.is_substitute


def definition_of(evaluator: Evaluator, name: str) -> LocalFunction | LocalClass | None:
    """Return the function or class that an installed package has under a full name, ``mlx_lm.utils.load``.

    Returns None when it is something else, is bound more than once, or when nothing like it is installed.
    """
    found = evaluator.memoised(("installed", name), lambda: _definition(evaluator, name, _DEEPEST))
    return found if isinstance(found, LocalFunction | LocalClass) else None


def _definition(evaluator: Evaluator, name: str, depth: int) -> LocalFunction | LocalClass | None:
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        place = ".".join(parts[:count])
        module = module_of(evaluator, place)
        if module is not None:
            return _in_module(evaluator, module, place, parts[count:], depth)
    return None


def _in_module(
    evaluator: Evaluator, module: Evaluator, place: str, names: list[str], depth: int
) -> LocalFunction | LocalClass | None:
    bindings = module.buffer.bindings_in(module.buffer.root).get(names[0], ())
    if len(bindings) != 1 or bindings[0].branches or bindings[0].loops:
        return None
    binding = bindings[0]
    if binding.is_import:
        target = _absolute(module_file(evaluator, place), binding.target)
        return _definition(evaluator, ".".join([target, *names[1:]]), depth - 1) if target and depth else None
    definition = binding.definition
    found = meaning_of_definition(module, definition) if definition is not None and len(names) < 3 else None
    if len(names) == 2:
        found = member(module, found, names[1]) if isinstance(found, LocalClass) else None
    return found if isinstance(found, LocalFunction | LocalClass) else None


def _absolute(file: PurePosixPath | None, target: str) -> str:
    """Return the full name of what an import in a file leads to; an empty string where it leads out of the package."""
    dots = len(target) - len(target.lstrip("."))
    if not dots or file is None:
        return target
    folders = file.parts[:-1]
    return ".".join([*folders[: len(folders) - dots + 1], target.lstrip(".")]) if dots <= len(folders) else ""


def module_file(evaluator: Evaluator, name: str) -> PurePosixPath | None:
    """Return the file of an installed module, relative to where packages are installed; None when there is none."""
    path, folder = PurePosixPath(*name.split(".")), evaluator.index.folder
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((one for one in candidates if folder is not None and (folder / one).is_file()), None)


def module_of(evaluator: Evaluator, name: str) -> Evaluator | None:
    """Return the evaluator of an installed module; None when there is none or it cannot be read."""
    file = module_file(evaluator, name)
    return evaluator.installed(Path(file)) if file is not None else None


def lacks(evaluator: Evaluator, module: str, name: str) -> bool:
    """Return whether an installed module is certain not to have a name: neither its text nor a file beside it does."""
    found = module_of(evaluator, module)
    if found is None or module_file(evaluator, f"{module}.{name}") is not None:
        return False
    bindings = found.buffer.bindings_in(found.buffer.root)
    folder, path = evaluator.index.folder, Path(*module.split("."), name)
    is_beside = folder is not None and any(folder.joinpath(path.parent).glob(f"{name}*"))
    return not {name, "*", "__getattr__"} & bindings.keys() and not is_beside and not _sets_globals(found.buffer.text)


def _sets_globals(text: str) -> bool:
    """Return whether a module may bind names that its text does not show."""
    return "globals()" in text or "sys.modules" in text or "__dict__" in text
