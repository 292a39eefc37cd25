"""Which entry a name means: Python's scoping rules, and null wherever they leave it open."""

import pytest

from tenny_lsp.inference.cursor import NamedEntry
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer

MX = "import mlx.core as mx\n"

CERTAIN = {
    "import as": (MX + "mx.ab‸s", "mlx.core.abs"),
    "dotted import": ("import mlx.core\nmlx.core.ab‸s", "mlx.core.abs"),
    "import of two": ("import mlx.nn as nn, mlx.core as mx\nmx.ab‸s", "mlx.core.abs"),
    "from package": ("from mlx import core as mx, nn\nnn.Lin‸ear", "mlx.nn.Linear"),
    "from private module": ("from mlx.nn.layers.linear import Lin‸ear", "mlx.nn.Linear"),
    "alias in the API": (MX + "mx.ac‸os", "mlx.core.arccos"),
    "inherited member": ("import mlx.nn as nn\nnn.Linear.param‸eters", "mlx.nn.Module.parameters"),
    "assigned": (MX + "a = mx\nb = a\nb.ab‸s", "mlx.core.abs"),
    "assigned member": (MX + "act = mx.abs\nac‸t(x)", "mlx.core.abs"),
    "target of an assignment": (MX + "ac‸t = mx.abs", "mlx.core.abs"),
    "assigned to itself": (MX + "mx = mx\nmx.ab‸s", "mlx.core.abs"),
    "redefined later": (MX + "mx.ab‸s\nmx = 3", "mlx.core.abs"),
    "used before": ("mx.ab‸s\n" + MX, "mlx.core.abs"),
    "in a function": (MX + "def f():\n    return mx.ab‸s", "mlx.core.abs"),
    "imported after the function": ("def f():\n    return mx.ab‸s\n" + MX, "mlx.core.abs"),
    "imported in the function": ("def f():\n    import mlx.core as mx\n    mx.ab‸s", "mlx.core.abs"),
    "class attribute in its body": ("class A:\n    import mlx.core as mx\n    y = mx.ab‸s", "mlx.core.abs"),
    "method of that name": (MX + "class A:\n    def mx(self):\n        return mx.ab‸s", "mlx.core.abs"),
    "default of a parameter of that name": (MX + "def f(mx=mx.ab‸s): ...", "mlx.core.abs"),
    "annotation of a parameter": (MX + "def f(x, *, mx: mx.arr‸ay): ...", "mlx.core.array"),
    "return annotation": (MX + "def f(mx) -> mx.arr‸ay: ...", "mlx.core.array"),
    "lambda's default": (MX + "f = lambda mx=mx.ab‸s: mx", "mlx.core.abs"),
    "base class": ("import mlx.nn as nn\nclass A(nn.Mod‸ule):\n    nn = 3", "mlx.nn.Module"),
    "decorator": (MX + "@mx.comp‸ile\ndef f(mx): ...", "mlx.core.compile"),
    "keyword's value": (MX + "f(mx=mx.ab‸s)", "mlx.core.abs"),
    "annotation": (MX + "x: mx.arr‸ay", "mlx.core.array"),
    "f-string": (MX + "f'{mx.ab‸s(x)!r:>9}'", "mlx.core.abs"),
    "pattern's value": (MX + "match x:\n    case mx.flo‸at32: ...", "mlx.core.float32"),
    "pattern's class": (MX + "match x:\n    case mx.arr‸ay(): ...", "mlx.core.array"),
    "item or attribute of it set": (MX + "mx[0] = mx.y = 1\nmx.ab‸s", "mlx.core.abs"),
    "fallback to None": (
        "try:\n    import mlx.core as mx\nexcept ImportError:\n    mx = None\nmx.ab‸s",
        "mlx.core.abs",
    ),
    "import that raises otherwise": (
        "try:\n    import mlx.core as mx\nexcept ImportError:\n    raise\nmx.ab‸s",
        "mlx.core.abs",
    ),
    "for type checkers only": ("if TYPE_CHECKING:\n    import mlx.core as mx\nx: mx.arr‸ay", "mlx.core.array"),
    "same in both branches": (
        "if a:\n    import mlx.core as mx\nelse:\n    from mlx import core as mx\nmx.ab‸s",
        "mlx.core.abs",
    ),
    "inside its branch": (
        "if a:\n    import numpy as mx\nelse:\n    import mlx.core as mx\n    mx.ab‸s",
        "mlx.core.abs",
    ),
    "function inside its branch": (
        "if a:\n    import numpy as mx\nelse:\n    import mlx.core as mx\n    def f():\n        mx.ab‸s",
        "mlx.core.abs",
    ),
    "late import of a global": (
        "mx = None\ndef load():\n    global mx\n    import mlx.core as mx\ndef f():\n    mx.ab‸s",
        "mlx.core.abs",
    ),
    "star": ("from mlx.core import *\nab‸s(x)", "mlx.core.abs"),
    "second star": ("from numpy import *\nfrom mlx.core import *\nab‸s(x)", "mlx.core.abs"),
    "star's module": ("from mlx.co‸re import *", "mlx.core"),
    "unfinished": (MX + "def f(:\n    x = mx.ab‸s(", "mlx.core.abs"),
    "trailing dot": (MX + "mx.fa‸st.\n", "mlx.core.fast"),
}

OPEN = {
    "other alias": "import numpy as mx\nmx.ab‸s",
    "other import later": MX + "import numpy as mx\nmx.ab‸s",
    "relative": "from . import core as mx\nmx.ab‸s",
    "own package named mlx": "from .mlx import core as mx\nmx.ab‸s",
    "string annotation": MX + "x: 'mx.arr‸ay' = 1",
    "no import": "mx.ab‸s",
    "circle": "a = b\nb = a\na.ab‸s",
    "parameter": MX + "def f(*mx):\n    mx.ab‸s",
    "parameter of an outer function": MX + "def f(mx):\n    def g():\n        mx.ab‸s",
    "lambda's parameter": MX + "lambda mx: mx.ab‸s",
    "local variable, before it is set": MX + "def f():\n    mx.ab‸s\n    mx = 3",
    "class attribute from a method": "class A:\n    import mlx.core as mx\n    def f(self):\n        mx.ab‸s",
    "class attribute from a comprehension": "class A:\n    import mlx.core as mx\n    [mx.ab‸s for y in z]",
    "unpacked": MX + "[a, *mx], b = c\nmx.ab‸s",
    "augmented": MX + "mx += 1\nmx.ab‸s",
    "annotated": MX + "mx: int = 3\nmx.ab‸s",
    "deleted": MX + "del y, mx\nmx.ab‸s",
    "loop": MX + "for i, mx in y:\n    pass\nelse:\n    mx.ab‸s",
    "with": MX + "with o() as (a, mx):\n    mx.ab‸s",
    "except": MX + "try: ...\nexcept E as mx:\n    mx.ab‸s",
    "walrus": MX + "if (mx := 3):\n    mx.ab‸s",
    "walrus in a comprehension": MX + "[(mx := i) for i in y]\nmx.ab‸s",
    "pattern": MX + "match x:\n    case mx:\n        mx.ab‸s",
    "pattern's rest": MX + "match x:\n    case [1, *mx]:\n        mx.ab‸s",
    "pattern's other keys": MX + "match x:\n    case {1: 2, **mx}:\n        mx.ab‸s",
    "pattern's attribute": MX + "match x:\n    case P(a=mx):\n        mx.ab‸s",
    "pattern as": MX + "match x:\n    case P() as mx:\n        mx.ab‸s",
    "type alias": MX + "type mx = int\nmx.ab‸s",
    "class": MX + "class mx: ...\nmx.ab‸s",
    "global in a function": MX + "def f():\n    global mx\n    mx = 3\nmx.ab‸s",
    "nonlocal": "def f():\n    import mlx.core as mx\n    def g():\n        nonlocal mx\n        mx = 3\n    mx.ab‸s",
    "redefined after the function": MX + "def f():\n    mx.ab‸s\nmx = 3",
    "other import in the last branch": "if a:\n    import mlx.nn as nn\nelse:\n    import torch.nn as nn\nnn.Lin‸ear",
    "other import in the first branch": "if a:\n    import torch.nn as nn\nelse:\n    import mlx.nn as nn\nnn.Lin‸ear",
    "fallback to numpy": "try:\n    import mlx.core as mx\nexcept ImportError:\n    import numpy as mx\nmx.ab‸s",
    "instead of numpy": "import numpy as mx\nif a:\n    import mlx.core as mx\nmx.ab‸s",
    "fallback, seen by a function": MX + "if a:\n    import numpy as mx\ndef f():\n    mx.ab‸s",
    "star of numpy after it": "from mlx.core import *\nfrom numpy import *\nab‸s(x)",
    "star of a sibling after it": "from mlx.core import *\nfrom .ops import *\nab‸s(x)",
    "star, then a definition": "from mlx.core import *\ndef abs(x): ...\nab‸s(x)",
    "target of that name": "from mlx.core import abs\nab‸s = 3",
    "loop's target of that name": "from mlx.core import abs\nfor ab‸s in x: ...",
    "parameter's name": "from mlx.core import abs\ndef f(x, ab‸s: int = 3): ...",
    "pattern's keyword": "from mlx.core import abs\nmatch x:\n    case P(ab‸s=1): ...",
    "pattern's attribute of that name": "from mlx.core import abs\nmatch x:\n    case foo.ab‸s: ...",
}


def meaning(code: str, index: ApiIndex) -> str | None:
    before, _, after = code.partition("‸")
    found = Queries(Buffer(before + after), index).target_at(len(before))
    return found.entry.name if isinstance(found, NamedEntry) else None


@pytest.mark.parametrize(("code", "name"), CERTAIN.values(), ids=list(CERTAIN))
def test_certain(code: str, name: str, mlx_index: ApiIndex) -> None:
    assert meaning(code, mlx_index) == name


@pytest.mark.parametrize("code", OPEN.values(), ids=list(OPEN))
def test_open(code: str, mlx_index: ApiIndex) -> None:
    assert meaning(code, mlx_index) is None


def test_found_range_is_the_hovered_component(mlx_index: ApiIndex) -> None:
    text = MX + "𝐱 = mx.fast.rope"

    found = Queries(Buffer(text), mlx_index).target_at(text.index("fast") + 1)

    assert found is not None
    assert text[found.start : found.end] == "fast"
