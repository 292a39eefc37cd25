"""What a coding agent gets of ``tenny-lsp mcp``, asked by the SDK's own client over stdio."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from tenny_lsp.cli.agent_tools import AgentTools
from tenny_lsp.cli.main import main
from tenny_lsp.features.translate import translate
from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index

WRONG = "import mlx.core as mx\n\nx = mx.cat([mx.zeros(2, 3)], dim=0)\n"
RIGHT = "import mlx.core as mx\n\nx = mx.concatenate([mx.zeros((2, 3))], axis=0)\n"


@pytest.fixture
def agent(tmp_path: Path) -> Client:
    """An agent in a project, before it connects: a session must end in the task that began it."""
    (tmp_path / "wrong.py").write_text(WRONG)
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tenny_lsp", "mcp"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "XDG_CACHE_HOME": str(tmp_path / "cache")},
    )
    return Client(started, read_timeout_seconds=60)


async def text(client: Client, tool: str, **arguments: str) -> str:
    result = await client.call_tool(tool, arguments)
    return "\n".join(part.text for part in result.content if part.type == "text")


async def values(client: Client, tool: str, **arguments: str) -> Any:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error
    return json.loads(await text(client, tool, **arguments))


async def test_a_session_with_an_agent(agent: Client, tmp_path: Path) -> None:
    async with agent as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"lookup", "search", "check", "fix", "translate"}
        assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools.values())
        assert "MLX" in (client.instructions or "")

        card = await text(client, "lookup", name="mx.softmax")
        assert "mx.softmax(\n    a: array" in card and "**Example**" in card
        assert "`mx.concatenate`" in await text(client, "lookup", name="torch.cat")
        assert "tree_flatten" in await text(client, "search", question="how do I save the optimizer state?")

        found = await values(client, "check", code=WRONG)
        assert [one["line"] for one in found["pitfalls"]] == [3] * len(found["pitfalls"]) != []
        assert await values(client, "check", path="wrong.py") == found
        assert await values(client, "check", code=RIGHT) == {"pitfalls": []}

        fixed = await values(client, "fix", path="wrong.py")
        assert (fixed["code"], fixed["left"]) == (RIGHT, [])
        assert (tmp_path / "wrong.py").read_text() == WRONG, "nothing is written"
        assert (await values(client, "translate", code="torch.cat([a, b], dim=1)"))[
            "code"
        ] == "mx.concatenate([a, b], axis=1)"

        recipes = (await client.list_resources()).resources
        assert len(recipes) >= 40
        (recipe,) = (await client.read_resource(str(recipes[0].uri))).contents
        assert "```python" in getattr(recipe, "text", "")


async def test_what_cannot_be_answered_is_said_and_the_server_goes_on(agent: Client, tmp_path: Path) -> None:
    async with agent as client:
        (tmp_path.parent / "secret.py").write_text("import mlx\n")
        (tmp_path / "link.py").symlink_to(tmp_path.parent / "secret.py")
        (tmp_path / "binary.py").write_bytes(b"\0")
        os.mkfifo(tmp_path / "pipe.py")
        for tool, arguments, said in (
            ("lookup", {"name": "mx.frobnicate"}, "has nothing called mx.frobnicate"),
            ("lookup", {"name": " "}, "The name is empty"),
            ("check", {}, "neither code nor a path"),
            ("check", {"path": "nothing.py"}, "could not be read"),
            ("check", {"path": "binary.py"}, "is not Python but binary"),
            ("check", {"path": "pipe.py"}, "is no regular file"),
            ("fix", {"path": "."}, "is no regular file"),
            ("check", {"path": "a\0.py"}, "holds a NUL"),
            ("fix", {"path": "../secret.py"}, "lies outside of"),
            ("fix", {"path": "link.py"}, "lies outside of"),
            ("fix", {"path": str(tmp_path.parent / "secret.py")}, "lies outside of"),
            ("translate", {"code": "x" * 200_001}, "200,001 characters"),
            ("check", {"code": "x" * 200_001}, "200,001 characters"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error and said in str(result.content), (tool, arguments, result)
        assert (await client.call_tool("nothing", {})).is_error
        assert "syntax-error" in await text(client, "check", code="import mlx\nx = (")
        assert (await values(client, "fix", code="import mlx\nx = ("))["code"] == "import mlx\nx = ("


@pytest.mark.parametrize("way", ["dots", "link to a file", "link to a folder", "inside"])
async def test_no_import_leads_out_of_the_project(way: str, mlx_index: ApiIndex, tmp_path: Path) -> None:
    project, outside = tmp_path / "project", tmp_path / "outside"
    for folder in (project, outside):
        folder.mkdir()
    (outside / "secret.py").write_text("import mlx.core as core\n")
    (tmp_path / "secret.py").write_text((outside / "secret.py").read_text())
    if way == "link to a file":
        (project / "secret.py").symlink_to(outside / "secret.py")
    elif way == "link to a folder":
        (project / "linked").symlink_to(outside)
    elif way == "inside":
        (project / "secret.py").write_text((outside / "secret.py").read_text())
    module = {"dots": "..secret", "link to a folder": "linked.secret"}.get(way, "secret")
    tools = AgentTools(mlx_index, project)

    found = await tools.check(f"import mlx.core as mx\nfrom {module} import core\ncore.cat([])\n", "a.py")

    assert bool(found["pitfalls"]) == (way == "inside")


def test_without_the_package_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tenny_lsp.cli.mcp.find_spec", lambda name: None)
    with pytest.raises(SystemExit) as ended:
        main(["mcp"])
    assert ended.value.code == 1 and "Install tenny-lsp[mcp]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "translated"),
    [
        ("torch.cat", "mx.concatenate"),
        ("F.relu(x)", "nn.relu(x)"),
        ("x.permute(0, 2, 1)", "x.transpose(0, 2, 1)"),
        ("torch.zeros(2, 3, dtype=torch.float32)", "mx.zeros((2, 3), dtype=mx.float32)"),
        ("torch.nn.Linear(in_features=3, out_features=4)", "nn.Linear(input_dims=3, output_dims=4)"),
        ("x.cuda()", "x.cuda()"),
        ("mx.softmax(x, axis=-1)", "mx.softmax(x, axis=-1)"),
        ("", ""),
        ("torch.cat([", "mx.concatenate(["),
        ("import torch; x = torch.ones(3)", None),
        ("import torch", None),
        (
            "import torch.nn as nn\n\n\nclass A(nn.Module):\n    def forward(self, x):\n        return x\n",
            "import mlx.core as mx\nimport mlx.nn as nn\nimport mlx.optimizers as optim\n\n\n"
            "class A(nn.Module):\n    def __call__(self, x):\n        return x\n",
        ),
    ],
)
def test_code_in_mlxs_words(code: str, translated: str | None) -> None:
    found = translate(code, load_mlx_index())

    assert translated is None or found.code == translated
    assert "torch" not in found.code


@pytest.mark.parametrize(
    ("code", "fixed"),
    [
        (
            "def f(x):\n    with mx.no_grad():\n        # why\n        y = x + 1\n\n        if y.any():\n"
            "            y = 2\n    return y\n",
            "def f(x):\n    # why\n    y = x + 1\n\n    if y.any():\n        y = 2\n    return y\n",
        ),
        ('with mx.no_grad():\n    s = """a\n  b"""\n', None),
        ("with mx.no_grad(): x = 1\n", None),
        ("with mx.no_grad():  # slow\n    x = 1\n", None),
        ("with mx.no_grad() as g:\n    x = 1\n", None),
        ("with mx.no_grad(), f:\n    x = 1\n", None),
        ("with mx.no_grad():\r\n    x = 1\r\n    y = 2\r\n", "x = 1\r\ny = 2\r\n"),
    ],
)
async def test_a_context_that_is_left_out_loses_nothing_of_its_body(
    code: str, fixed: str | None, tmp_path: Path
) -> None:
    found = await AgentTools(load_mlx_index(), tmp_path).fix(f"import mlx.core as mx\n{code}")

    assert found["code"].removeprefix("import mlx.core as mx\n") == (code if fixed is None else fixed)


def test_what_has_no_equivalent_is_noted() -> None:
    found = translate("x.cuda()\ntorch.cuda.empty_cache()", load_mlx_index())

    assert any("has no equivalent in MLX" in note for note in found.notes)


def test_a_bare_name_shows_all_that_have_it(tmp_path: Path) -> None:
    cards = AgentTools(load_mlx_index(), tmp_path).lookup("GELU()")

    assert "nn.GELU" in cards
