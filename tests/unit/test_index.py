"""The index of the installed MLX and of packages written here, its cache, and what it does without MLX."""

import gzip
import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from tenny_lsp.data import read_bytes
from tenny_lsp.errors import ApiIndexError
from tenny_lsp.mlx_api import environment
from tenny_lsp.mlx_api import index as index_module
from tenny_lsp.mlx_api.entry import ApiEntry
from tenny_lsp.mlx_api.environment import find_installed
from tenny_lsp.mlx_api.index import SNAPSHOT, ApiIndex, extract, load_index, load_mlx_index, sources_sha256

PACKAGE = {
    "__init__.py": '''
        """A shop."""
        import os
        from typing import Optional, overload
        from json import dumps
        from shop._till import Till, ring as count
        from shop.shelf import *
        __all__ = ["Till", "Optional"]
        ''',
    "_till.py": '''
        from collections import OrderedDict
        class Drawer(OrderedDict):
            """A drawer."""
            def __init__(self, depth: int = 3): ...
            def open(self) -> bool:
                """Opens it."""
        class Till(Drawer):
            """Where the money is.

            Parameters
            ----------
            size : int
                How many coins fit.
                More do not.

            Raises
            ------
            ValueError
                If it is full.
            """
            @staticmethod
            def coin(value, /, *, gold: bool = False) -> "Till":
                """Makes a coin.

                Returns
                -------
                Till
                    The till it belongs to.
                """
            @property
            def total(self) -> float:
                """What is in it."""
            def _secret(self): ...
        def ring(x, *rest, **more):
            """Rings."""
        def hidden():
            """Not exported."""
        ''',
    "shelf.py": '''
        from typing import Any
        from shop._till import Till as _Till, Drawer
        __all__ = ["Shelf", "Drawer", "wide"]
        class Shelf(_Till):
            """A shelf."""
            from shop.shelf import Shelf as Again
        class Drawer(Drawer):
            """A drawer in a shelf."""
        wide: int = 3
        """How wide a shelf is."""
        tall = 4
        def not_starred():
            """Only by its full name."""
        loud = not_starred
        ''',
    "stubbed.py": "def price(x): ...\n",
    "stubbed.pyi": '''
        from typing import overload
        @overload
        def price(x: int) -> int:
            """The price.

            Args:
                x (int): The thing.
            """
        @overload
        def price(x: str, *, cheap: bool = ...) -> float: ...
        ''',
    "broken.py": "def (((\n",
    "lost.py": "from shop.nowhere import gone\nfrom shop.lost import me as me\n",
}

Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a package ``shop`` that this interpreter can import; returns its folder."""
    folder = tmp_path / "site" / "shop"
    monkeypatch.syspath_prepend(str(folder.parent))

    def write_files(files: dict[str, str]) -> Path:
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(re.sub(r"^ {8}", "", text.lstrip("\n"), flags=re.M), "utf-8")
        return folder

    return write_files


@pytest.fixture
def shop(write: Write, tmp_path: Path) -> ApiIndex:
    write(PACKAGE)
    return load_index("shop", cache=tmp_path / "cache")


@pytest.mark.parametrize(
    ("name", "public"),
    [
        ("mlx.core.acos", "mlx.core.arccos"),
        ("mlx.nn.layers.activations.ReLU", "mlx.nn.ReLU"),
        ("mlx.nn.layers.linear.Linear.parameters", "mlx.nn.Module.parameters"),
        ("mlx.nn.Linear.parameters", "mlx.nn.Module.parameters"),
        ("mlx.optimizers.AdamW.apply_gradients", "mlx.optimizers.Optimizer.apply_gradients"),
        ("mlx.core.arange", "mlx.core.arange"),
        ("mlx.core.linalg.norm", "mlx.core.linalg.norm"),
        ("mlx.core.array.at", "mlx.core.array.at"),
        ("mlx.core", "mlx.core"),
    ],
)
def test_a_name_resolves_to_its_public_name(name: str, public: str, mlx_index: ApiIndex) -> None:
    entry = mlx_index.resolve(name)

    assert entry is not None and entry.name == public


@pytest.mark.parametrize(
    "name", ["", ".", "mlx.", "mlx.core.absolute", "mlx.core.abs.x", "core.abs", "mlx.nn.setuptools"]
)
def test_an_unknown_name_is_none(name: str, mlx_index: ApiIndex) -> None:
    assert mlx_index.resolve(name) is None


def test_a_function_of_overloads_only_has_them_all(mlx_index: ApiIndex) -> None:
    arange = mlx_index.resolve("mlx.core.arange")

    assert arange is not None
    assert [s.parameters[0].name for s in arange.signatures] == ["start", "stop"]
    assert arange.summary


def test_a_reference_carries_the_documentation_it_refers_to(mlx_index: ApiIndex) -> None:
    method, function = mlx_index.resolve("mlx.core.array.all"), mlx_index.resolve("mlx.core.all")

    assert method is not None and function is not None
    assert (method.related, method.summary) == ("mlx.core.all", function.summary)
    assert {item.name for item in method.parameters} < {item.name for item in function.parameters}
    unresolved = [entry.name for entry in mlx_index if entry.summary.startswith("See :") and not entry.related]
    assert unresolved == []


def test_members_are_inherited_through_private_classes(mlx_index: ApiIndex) -> None:
    pool = mlx_index.resolve("mlx.nn.MaxPool2d")

    assert pool is not None and pool.bases == ("mlx.nn.Module",)
    assert dict(mlx_index.members(pool))["parameters"].name == "mlx.nn.Module.parameters"


def test_every_line_is_the_line_of_the_definition(mlx_index: ApiIndex) -> None:
    root = find_installed("mlx").folder.parent
    lines = {path: (root / path).read_text("utf-8").splitlines() for path in {e.path for e in mlx_index if e.line}}
    wrong = [
        f"{entry.name} {entry.path}:{entry.line}"
        for entry in mlx_index
        if entry.line
        and not re.search(
            rf"\b(def|class) {entry.short_name}\b|^\s*{entry.short_name}\b", lines[entry.path][entry.line - 1]
        )
    ]

    assert wrong == []
    assert [entry.name for entry in mlx_index if not entry.line and entry.kind != "module"] == []


def test_nothing_of_another_package_is_in_it(mlx_index: ApiIndex) -> None:
    assert [entry.name for entry in mlx_index if not f"{entry.name}.".startswith("mlx.")] == []
    assert [
        name for name in ("mlx.nn.Any", "mlx.extension.Extension", "mlx.utils.defaultdict") if mlx_index.resolve(name)
    ] == []


def test_entries_survive_their_json(mlx_index: ApiIndex) -> None:
    again = ApiIndex.from_bytes(mlx_index.to_bytes())

    assert list(again) == list(mlx_index)
    assert again.to_bytes() == mlx_index.to_bytes()


def test_public_names_of_a_package(shop: ApiIndex) -> None:
    names = {entry.name: entry.aliases for entry in shop if entry.kind != "module"}

    assert names == {
        "shop.Till": ("shop._till.Till",),
        "shop.Till.coin": (),
        "shop.Till.total": (),
        "shop.count": ("shop._till.ring",),
        "shop.Shelf": ("shop.shelf.Shelf",),
        "shop.Drawer": ("shop.shelf.Drawer",),
        "shop.wide": ("shop.shelf.wide",),
        "shop.shelf.not_starred": ("shop.shelf.loud",),
        "shop.stubbed.price": (),
    }


def test_numpy_docstrings_are_read(shop: ApiIndex) -> None:
    till, coin = shop.resolve("shop.Till"), shop.resolve("shop.Till.coin")

    assert till is not None and coin is not None
    assert [(item.name, item.annotation) for item in till.parameters] == [("size", "int")]
    assert till.parameters[0].text.split() == ["How", "many", "coins", "fit.", "More", "do", "not."]
    assert till.summary == "Where the money is."
    assert "ValueError" in dict(till.body)["Raises"]
    assert [(item.annotation, item.text) for item in coin.returns] == [("Till", "The till it belongs to.")]
    assert [(p.name, p.kind, p.default) for p in coin.signatures[0].parameters] == [
        ("value", "positional-only", ""),
        ("gold", "keyword-only", "False"),
    ]


def test_a_constructor_is_inherited(shop: ApiIndex) -> None:
    till = shop.resolve("shop.Till")

    assert till is not None
    assert [[p.name for p in signature.parameters] for signature in till.signatures] == [["depth"]]


def test_stubs_come_first(shop: ApiIndex) -> None:
    price = shop.resolve("shop.stubbed.price")

    assert price is not None
    assert [signature.returns for signature in price.signatures] == ["int", "float"]
    assert (price.summary, price.parameters[0].text) == ("The price.", "The thing.")


def test_a_class_over_an_import_of_its_name_is_not_its_own_base(shop: ApiIndex) -> None:
    assert shop.resolve("shop.Drawer.nothing") is None
    assert shop.resolve("shop.Shelf.coin") == shop.resolve("shop.Till.coin")


@pytest.mark.parametrize("file", ["_till.py", "shelf.py", "stubbed.pyi"])
def test_an_edited_file_is_read_again(file: str, write: Write, tmp_path: Path) -> None:
    folder = write(PACKAGE)
    load_index("shop", cache=tmp_path)
    text = (folder / file).read_text("utf-8")
    (folder / file).write_text(text + '\ndef brand_new():\n    """New."""\nclass Till2:\n    """Newer."""\n', "utf-8")

    names = {entry.name for entry in load_index("shop", cache=tmp_path)}

    assert ("shop.shelf.brand_new" in names) == (file == "shelf.py")
    assert len(list((tmp_path / "api").glob("shop-*.json"))) == 2


def test_the_cache_answers_while_nothing_changes(write: Write, tmp_path: Path) -> None:
    write(PACKAGE)
    load_index("shop", cache=tmp_path)
    (kept,) = (tmp_path / "api").iterdir()
    values = json.loads(kept.read_bytes())
    values["entries"]["shop.Till"]["summary"] = "From the cache."
    kept.write_text(json.dumps(values), "utf-8")

    entry = load_index("shop", cache=tmp_path).resolve("shop.Till")

    assert entry is not None and entry.summary == "From the cache."


@pytest.mark.parametrize(
    "spoil",
    [
        lambda good: b"",
        lambda good: good[: len(good) // 2],
        lambda good: b"\xff\x00" + good,
        lambda good: good.replace(b'"schema":', b'"schema":99', 1),
        lambda good: json.dumps({"schema": json.loads(good)["schema"]}).encode(),
        lambda good: json.dumps({**json.loads(good), "entries": []}).encode(),
        lambda good: b"[]",
        lambda good: b"null",
    ],
    ids=["empty", "truncated", "not text", "old schema", "no entries", "list of entries", "list", "null"],
)
def test_a_spoilt_cache_is_rebuilt(
    spoil: Callable[[bytes], bytes], write: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(PACKAGE)
    good = load_index("shop", cache=tmp_path).to_bytes()
    (kept,) = (tmp_path / "api").iterdir()
    kept.write_bytes(spoil(good))

    index = load_index("shop", cache=tmp_path)

    assert index.to_bytes() == good == kept.read_bytes()
    assert caplog.text == ""


@pytest.mark.parametrize("where", ["cache", "cache/api"])
def test_a_cache_that_cannot_be_written_is_only_logged(
    where: str, write: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write(PACKAGE)
    in_the_way = tmp_path / where
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("a file", "utf-8")

    assert load_index("shop", cache=tmp_path / "cache").resolve("shop.Till")
    assert "could not be cached" in caplog.text


def test_a_full_disk_leaves_no_half_cache(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(PACKAGE)

    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)

    assert load_index("shop", cache=tmp_path).resolve("shop.Till")
    assert list((tmp_path / "api").iterdir()) == []
    assert "No space left" in caplog.text


def test_mlx_without_stubs_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(find_installed("mlx").folder / "nn", tmp_path / "mlx" / "nn")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    with pytest.raises(ApiIndexError, match=r"no stubs .*Reinstall mlx"):
        load_index("mlx", cache=tmp_path)


def test_the_snapshot_speaks_where_mlx_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, mlx_index: ApiIndex
) -> None:
    monkeypatch.setattr(environment, "search_paths", lambda python=None: (tmp_path,))

    with pytest.raises(ApiIndexError, match="not installed"):
        load_index("mlx", cache=tmp_path)
    index = load_mlx_index(cache=tmp_path)

    assert index.from_snapshot and not mlx_index.from_snapshot
    assert index.resolve("mlx.nn.ReLU") is not None
    assert caplog.text.count("not installed") == 1


def test_the_snapshot_is_what_the_installed_mlx_says(
    mlx_index: ApiIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "search_paths", lambda python=None: (tmp_path,))
    logging.getLogger("tenny_lsp.mlx_api.index").disabled = True
    snapshot = load_mlx_index(cache=tmp_path)
    logging.getLogger("tenny_lsp.mlx_api.index").disabled = False

    if snapshot.version != mlx_index.version:
        pytest.skip(f"mlx {mlx_index.version} is installed, the snapshot is of {snapshot.version}")
    assert list(snapshot) == list(mlx_index)


def test_the_snapshot_spares_the_reading_of_the_files_it_was_read_from(
    mlx_index: ApiIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if json.loads(gzip.decompress(read_bytes(SNAPSHOT)))["sources"] != sources_sha256(find_installed("mlx")):
        pytest.skip("the snapshot was read from other files")
    expected = mlx_index.to_bytes()
    monkeypatch.setattr(index_module, "extract", lambda _: pytest.fail("the files were read"))

    shipped, cached = (load_index("mlx", cache=tmp_path) for _ in range(2))

    assert shipped.to_bytes() == cached.to_bytes() == expected
    assert not shipped.from_snapshot and shipped.folder == cached.folder == mlx_index.folder


@pytest.mark.parametrize("change", ["edited", "added", "removed", "unreadable", "renamed"])
def test_the_snapshot_is_not_taken_for_other_files(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = find_installed("mlx")
    folder = tmp_path / "mlx"
    shutil.copytree(installed.folder, folder, ignore=shutil.ignore_patterns("*.so", "lib", "include"))
    same = replace(installed, folder=folder)
    assert sources_sha256(same) == sources_sha256(installed)
    losses = folder / "nn" / "losses.py"
    if change == "edited":
        losses.write_text(losses.read_text("utf-8").replace("def mse_loss", "def mean_loss"), "utf-8")
    elif change == "added":
        (folder / "nn" / "more.py").write_text("")
    elif change == "removed":
        (folder / "extension.py").unlink()
    elif change == "unreadable":
        (folder / "gone.py").symlink_to("nowhere.py")
    else:
        (folder / "extension.py").rename(folder / "extensions.py")
    monkeypatch.setattr(environment, "search_paths", lambda python=None: (tmp_path,))

    read: list[Path] = []
    monkeypatch.setattr(index_module, "extract", lambda found: read.append(found.folder) or extract(found))
    load_index("mlx", cache=tmp_path / "cache")

    assert read == [folder]


def test_a_wrong_interpreter_is_logged_and_this_one_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    index = load_mlx_index(tmp_path / "no-python", cache=tmp_path)

    assert index.resolve("mlx.core.abs") and not index.from_snapshot
    assert "no-python does not run" in caplog.text


@pytest.mark.parametrize("case", ["the snapshot's files", "other files", "from the cache"])
def test_mlx_is_never_imported_and_griffe_only_to_read(case: str, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tenny_lsp.mlx_api.index import load_mlx_index\n"
        "print(load_mlx_index(cache=Path(sys.argv[1])).resolve('mlx.nn.Linear.parameters').name)\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )

    environment = dict(os.environ)
    if case != "the snapshot's files":
        folder = find_installed("mlx").folder
        shutil.copytree(folder, tmp_path / "other" / "mlx", ignore=shutil.ignore_patterns("*.so", "lib", "include"))
        shutil.copytree(*(path / f"mlx-{version('mlx')}.dist-info" for path in (folder.parent, tmp_path / "other")))
        (tmp_path / "other" / "mlx" / "nn" / "added.py").write_text("")
        environment["PYTHONPATH"] = f"{tmp_path / 'other'}{os.pathsep}{environment.get('PYTHONPATH', '')}"
    command = [sys.executable, "-c", script, tmp_path]
    if case == "from the cache":
        subprocess.run(command, env=environment, check=True)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    name, modules = done.stdout.splitlines()
    assert name == "mlx.nn.Module.parameters"
    assert {"mlx", "mlx_lm", "numpy", "transformers", "torch"}.isdisjoint(modules.split())
    assert ("griffe" in modules.split()) == (case == "other files")
    assert done.stderr == ""


def test_an_entry_without_anything_is_small() -> None:
    assert ApiEntry("a.b", "function").to_json() == {"name": "a.b", "kind": "function"}
