"""The places that benchmarks/hover_answers.py asks all servers about: Tenny is right on every one."""

from benchmarks.hover_cases import Case, cases, constructors, is_right
from tenny_lsp.features.hover import hover
from tenny_lsp.inference.files import Files
from tenny_lsp.inference.queries import Queries
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer


async def is_answered(case: Case, index: ApiIndex) -> bool:
    before, _, after = case.code.partition("‸")
    card = await hover(Queries(Buffer(before + after), index, Files()), len(before))
    return card is not None and is_right(case, card.markdown)


async def test_every_hover_is_right(mlx_index: ApiIndex) -> None:
    places, modules = list(cases(mlx_index)), list(constructors(mlx_index))

    assert len(places) >= 80 and len(modules) == 71
    assert [case.code for case in places + modules if not await is_answered(case, mlx_index)] == []
