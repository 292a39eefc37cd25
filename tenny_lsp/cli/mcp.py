"""The command mcp: serve coding agents."""

import functools
import inspect
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenny_lsp import __version__
from tenny_lsp.cli.app import Interpreter, app
from tenny_lsp.errors import TennyError

if TYPE_CHECKING:
    from tenny_lsp.cli.agent_tools import AgentTools

_INSTRUCTIONS = (
    "Facts about Apple's MLX in the version that this project uses. Models know PyTorch and write it with MLX's "
    "imports: look names up with `lookup` or `search` before you write MLX code, and send what you have written "
    "through `check` or `fix`. `translate` turns PyTorch, NumPy or JAX into MLX. Nothing is run, written or sent "
    "anywhere."
)
#: Tool → what an agent reads of it.
_TOOLS = {
    "lookup": "Signature, documentation and an example that ran, of a name in the installed MLX: `mx.softmax`, "
    "`nn.Linear`, a bare `softmax`, or another library's such as `torch.cat`.",
    "search": "How to do something with MLX (save weights, accumulate gradients, compile a training step …): the "
    "answer, with code that ran.",
    "check": "What is wrong with MLX code: what raises, goes wrong silently or is slow, each with its line and what "
    "to write. Give `code`, or the `path` of a file in the project.",
    "fix": "MLX code put right as far as that is safe, and what is left to do by hand. Give `code`, or the `path` of "
    "a file in the project; no file is written.",
    "translate": "A name, a call or some lines of PyTorch, NumPy or JAX in MLX's words, and what differs.",
}


@app.command()
def mcp(python: Interpreter = None) -> None:
    """Serve coding agents: the Model Context Protocol on stdio, for the project in this folder."""
    if find_spec("mcp") is None:
        raise TennyError("Agents are served with the package mcp", "Install tenny-lsp[mcp] with pip or uv.")
    from tenny_lsp.cli.agent_tools import AgentTools
    from tenny_lsp.cli.interpreter import index_of

    make_agent_server(AgentTools(index_of(python), Path.cwd())).run("stdio")


def make_agent_server(tools: "AgentTools") -> Any:
    """Return an MCP server with the tools, and with the recipes as resources."""
    from mcp.server import MCPServer
    from mcp_types import ToolAnnotations

    from tenny_lsp.mlx_api.recipes import load_recipes

    server = MCPServer("tenny", version=__version__, instructions=_INSTRUCTIONS, log_level="WARNING")
    reading = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    for name, description in _TOOLS.items():
        server.add_tool(_told(getattr(tools, name)), name=name, description=description, annotations=reading)
    for recipe in load_recipes():
        text = f"# {recipe.question}\n\n{recipe.prose}\n\n```python\n{recipe.code}\n```\n\n{recipe.page}\n"
        server.resource(f"recipe://{recipe.name}", title=recipe.question, mime_type="text/markdown")(_constant(text))
    return server


def _told(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a tool whose errors an agent is told."""
    from mcp.server.mcpserver.exceptions import ToolError

    @functools.wraps(method)
    async def tool(*arguments: Any, **named: Any) -> Any:
        try:
            found = method(*arguments, **named)
            return await found if inspect.isawaitable(found) else found
        except TennyError as error:
            raise ToolError(str(error)) from error

    return tool


def _constant(text: str) -> Callable[[], str]:
    def read() -> str:
        return text

    return read
