"""Print the shapes of the arrays that a model's functions assign when it runs, as JSON.

    python record.py gpt_torch.py

Needs the model's library and nothing else. One list for each run of a function: function, variable, which of the
function's assignments to it that is, shape.
"""

import ast
import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]


def functions(tree):
    """Yield the functions of a module and of its classes, each with its qualified name."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        for function in inner:
            if isinstance(function, ast.FunctionDef):
                yield function.name if function is node else f"{node.name}.{function.name}", function


def assigned(function):
    """Return the assignments to variables in a function, in the order of the text: statement, name, which one."""
    statements = [node for node in ast.walk(function) if isinstance(node, ast.Assign)]
    counts, found = {}, []
    for statement in sorted(statements, key=lambda node: node.lineno):
        for target in statement.targets:
            for node in ast.walk(target):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    counts[node.id] = counts.get(node.id, 0) + 1
                    found.append((statement, node.id, counts[node.id]))
    return found


def places(tree):
    """Return function, variable and count of all assignments, with the line that each begins and ends at."""
    return {
        (name, variable, count): (statement.lineno, statement.end_lineno, statement.col_offset)
        for name, function in functions(tree)
        for statement, variable, count in assigned(function)
    }


def recorded(path):
    """Run a model's ``main`` and return what its functions assigned."""
    tree = ast.parse(path.read_text("utf-8"))
    for name, function in functions(tree):
        keepers = {}
        for statement, variable, count in assigned(function):
            call = f"_keep(_run, {name!r}, {variable!r}, {count}, {variable})"
            keepers.setdefault(statement, []).extend(ast.parse(call).body)
        for node in ast.walk(function):
            if isinstance(getattr(node, "body", None), list):
                node.body = [new for old in node.body for new in [old, *keepers.get(old, ())]]
        function.body[:0] = ast.parse("_run = _begin()").body
    runs = []

    def begin():
        runs.append([])
        return runs[-1]

    def keep(run, function, variable, count, value):
        shape = getattr(value, "shape", None)
        if shape is not None:
            run.append([function, variable, count, list(shape)])

    module = type(sys)("model")
    module.__dict__.update(_begin=begin, _keep=keep)
    sys.modules["model"] = module  # dataclasses look their module up
    exec(compile(ast.fix_missing_locations(tree), str(path), "exec"), module.__dict__)
    module.main()
    return runs


if __name__ == "__main__":
    print(json.dumps(recorded(Path(sys.argv[1]))))
