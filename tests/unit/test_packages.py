"""What packages define that are installed beside MLX: found in their source, and unknown where that may not be all."""

from pathlib import Path

import pytest

from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.inference.meaning import LocalClass
from tenny_lsp.inference.packages import definition_of, is_of_package, lacks
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import field, text_of

SOURCES = {
    "mlx_toys/__init__.py": "from .parts import play\nfrom .parts import play as again\nfrom . import parts as pieces",
    "mlx_toys/parts.py": (
        "import sys\ndef play(song):\n    pass\nclass Toy:\n    @staticmethod\n    def made(of):\n        pass\n"
        "if sys.platform == 'linux':\n    def fast():\n        pass\ndef twice():\n    pass\ndef twice(a):\n    pass\n"
        "loud = play\nfrom elsewhere import borrowed\n"
    ),
    "mlx_toys/sub/__init__.py": "from ..parts import Toy\n",
    "mlx_toys/star.py": "from .parts import *\n",
    "mlx_toys/lazy.py": "def __getattr__(name):\n    return name\n",
    "mlx_toys/made.py": "globals()['anything'] = 1\n",
    "other/__init__.py": "def play(song):\n    pass\n",
}


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    for name, text in SOURCES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Engine(Buffer(""), ApiIndex("mlx", "1.0", {}, folder=tmp_path), Files())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mlx_toys.play", "(song)"),  # through the package's own imports
        ("mlx_toys.again", "(song)"),
        ("mlx_toys.parts.play", "(song)"),
        ("mlx_toys.pieces.play", "(song)"),
        ("mlx_toys.parts.Toy.made", "(of)"),
        ("mlx_toys.sub.Toy.made", "(of)"),
        ("mlx_toys.parts.fast", ""),
        ("mlx_toys.parts.twice", ""),
        ("mlx_toys.parts.loud", ""),
        ("mlx_toys.parts.borrowed", ""),
        ("mlx_toys.parts.nothing", ""),
        ("mlx_toys.star.play", ""),
        ("mlx_toys.nowhere.play", ""),
    ],
)
def test_a_function_is_found_where_its_source_is_certain(engine: Engine, name: str, parameters: str) -> None:
    found = definition_of(engine, name)

    assert (text_of(listed) if found and (listed := field(found.node, "parameters")) else "") == parameters


def test_a_class_is_found(engine: Engine) -> None:
    assert isinstance(definition_of(engine, "mlx_toys.sub.Toy"), LocalClass)


def test_only_packages_that_build_on_mlx_are_read(engine: Engine) -> None:
    assert is_of_package(engine, "mlx_toys.play")
    assert not is_of_package(engine, "other.play")
    assert not is_of_package(engine, "mlx.core.zeros")


def test_nothing_is_said_of_another_interpreters_packages(engine: Engine) -> None:
    engine.index.is_substitute = True

    assert not is_of_package(engine, "mlx_toys.play")


@pytest.mark.parametrize(
    ("module", "name", "is_lacking"),
    [
        ("mlx_toys", "nothing", True),
        ("mlx_toys", "play", False),
        ("mlx_toys", "parts", False),
        ("mlx_toys", "sub", False),
        ("mlx_toys.parts", "fast", False),
        ("mlx_toys.parts", "nothing", True),
        ("mlx_toys.star", "nothing", False),
        ("mlx_toys.lazy", "nothing", False),
        ("mlx_toys.made", "nothing", False),
        ("mlx_toys.nowhere", "nothing", False),
    ],
)
def test_a_module_lacks_a_name_that_neither_its_text_nor_a_file_has(
    engine: Engine, module: str, name: str, *, is_lacking: bool
) -> None:
    assert lacks(engine, module, name) is is_lacking


def test_a_file_that_is_read_counts_among_those_that_may_change(engine: Engine, tmp_path: Path) -> None:
    definition_of(engine, "mlx_toys.play")
    assert tmp_path / "mlx_toys" / "parts.py" in engine.others

    (tmp_path / "mlx_toys" / "parts.py").write_text("def play(song, loud):\n    pass\n")
    assert not engine.is_current()
