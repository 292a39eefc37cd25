"""Measure what a user waits for: a hover, which is facts alone, and a roast, which asks the model; each twice."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from tenny_lsp import locations
from tenny_lsp.doctor.component import Component
from tenny_lsp.errors import AdapterError, TennyError
from tenny_lsp.features.hover import hover
from tenny_lsp.features.roast import roast
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.protocol import TextModel
from tenny_lsp.model.waiting import within
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.wiring import worker_model

_HOVERED = "import mlx.core as mx\nmx.softmax"
_COMMENTS = ("TODO: fix this properly", "this should never happen")
_ROAST_IN_S = 120.0


def examine_times(index: ApiIndex, has_mlx: bool) -> list[Component]:
    """Return how long a hover and a roast take, the first time and the second.

    Args:
        index (ApiIndex): Where the hover looks up its name.
        has_mlx (bool): Whether a model can be run; otherwise the remarks are those written by hand.
    """
    return asyncio.run(_examined(index, has_mlx))


async def _examined(index: ApiIndex, has_mlx: bool) -> list[Component]:
    return [await _hover(index), await _roast(has_mlx)]


async def _hover(index: ApiIndex) -> Component:
    async def once(_: int) -> bool:
        return await hover(Queries(Buffer(_HOVERED), index), len(_HOVERED)) is not None

    found, times = await _timed(once)
    if not all(found):
        return Component("hover", "broken", "mx.softmax is not known", "pip install --force-reinstall mlx")
    return _measured("hover", "on mx.softmax", times)


async def _roast(has_mlx: bool) -> Component:
    speaker: TextModel | None = None
    base = locations.speaking_base()
    try:
        speaker = worker_model(base, None, name=locations.CYNIC, deadline_s=_ROAST_IN_S) if has_mlx else None
        by = f"chosen by {base}"
    except AdapterError:
        by = f"written by hand: no adapter called cynic is there for {base}"
    except TennyError as error:
        return Component("roast", "broken", error.what, error.next_step)
    by = by if has_mlx else "written by hand: MLX does not run"
    try:
        _, times = await _timed(lambda turn: within(_ROAST_IN_S, roast(_COMMENTS[turn], speaker)))
    except TennyError as error:
        return Component("roast", "broken", error.what, error.next_step)
    except asyncio.TimeoutError:
        return Component("roast", "broken", f"has taken more than {_ROAST_IN_S:g} s", "free some memory and processors")
    finally:
        if speaker is not None:
            await speaker.close()
    return _measured("roast", by, times)


async def _timed(ask: Callable[[int], Awaitable[object]]) -> tuple[list[object], list[float]]:
    """Return the two answers and the seconds each has taken."""
    answers, times = [], []
    for turn in range(2):
        start_s = time.perf_counter()
        answers.append(await ask(turn))
        times.append(time.perf_counter() - start_s)
    return answers, times


def _measured(name: str, what: str, times: list[float]) -> Component:
    first, second = times
    detail = f"{what}: {_seconds(first)} the first time, {_seconds(second)} the second"
    return Component(name, "works", detail, values={"first_s": round(first, 6), "second_s": round(second, 6)})


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
