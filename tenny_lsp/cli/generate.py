"""The command generate: continue a prompt, as mlx-examples' lora.py does with an adapter."""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tenny_lsp.cli.app import Model, app, err, out, path_option, standard_input
from tenny_lsp.wiring import worker_model

if TYPE_CHECKING:
    from tenny_lsp.model.client import WorkerModel

LOGGER = logging.getLogger(__name__)
#: Whoever waits for a long text at a terminal has Ctrl-C.
_DEADLINE_S = 3600


@app.command()
def generate(
    prompt: Annotated[
        str, typer.Option("--prompt", "-p", help=r"The text to continue, \n for a new line; - for standard input.")
    ],
    model: Model = "",
    adapter_path: Annotated[Path | None, path_option(help="Folder of an adapter. Default: the bare base.")] = None,
    num_tokens: Annotated[int, typer.Option("--num-tokens", "-m", min=1, help="The longest continuation.")] = 100,
    temp: Annotated[float, typer.Option(min=0, help="0: the likeliest token every time.")] = 0.8,
    top_p: Annotated[float, typer.Option(help="Draw from the likeliest tokens of this probability together.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Another seed draws another text.")] = 0,
) -> None:
    """Continue a prompt with a base, and an adapter if one is named, piece by piece."""
    if not 0 < top_p <= 1:
        raise typer.BadParameter("--top-p must be above 0 and at most 1")
    text = standard_input() if prompt == "-" else prompt.replace(r"\n", "\n")
    if not text:
        raise typer.BadParameter("the prompt is empty")
    speaker = worker_model(model, adapter_path, deadline_s=_DEADLINE_S, may_be_bare=True)
    if adapter_path is None:
        speaker = speaker.with_adapter(None)
    LOGGER.debug("%s continues", speaker.identity)  # and an incomplete base or adapter is refused right here
    asyncio.run(_printed(speaker, text, num_tokens, temp, top_p, seed))


async def _printed(
    speaker: "WorkerModel", prompt: str, num_tokens: int, temperature: float, top_p: float, seed: int
) -> None:
    pieces = speaker.generate(prompt, max_tokens=num_tokens, temperature=temperature, top_p=top_p, seed=seed)
    is_empty = True
    try:
        async with contextlib.aclosing(pieces):
            async for piece in pieces:
                is_empty = is_empty and not piece
                out.print(piece, end="", highlight=False, soft_wrap=True)
                out.file.flush()
        out.print()
        if is_empty:
            err.print("The model ends here at once. An adapter continues prompts written as those of its training.")
    finally:
        await speaker.close()
