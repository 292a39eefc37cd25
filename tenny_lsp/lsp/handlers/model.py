"""Run the commands ``tenny.loadModel`` and ``tenny.unloadModel``."""

from pygls.lsp.server import LanguageServer

from tenny_lsp.errors import TennyError
from tenny_lsp.lsp.session import Session


def register(server: LanguageServer, session: Session) -> None:
    """Register the commands with the server."""

    @server.command("tenny.loadModel")
    async def load_model() -> None:
        try:
            await session.speaker.load()
        except TennyError as error:
            session.note_failure(error)

    @server.command("tenny.unloadModel")
    def unload_model() -> None:
        session.speaker.unload()
