"""The commands fetch and models."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tenny_lsp import locations
from tenny_lsp.cli.app import AsJson, app, err, out, path_option
from tenny_lsp.errors import TennyError


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="smollm2, or a model of a hub: owner/name.")] = "",
    file: Annotated[
        Path | None,
        path_option("--from", help="A GGUF file on this machine, instead of a download."),
    ] = None,
    tokenizer: Annotated[
        Path | None,
        path_option(help="With --from: a folder with its tokenizer, if Tenny cannot read the file's."),
    ] = None,
) -> None:
    """Fetch a base model onto this machine; smollm2 answers and chooses remarks as soon as it is there."""
    from tenny_lsp.cli.tables import counted_bytes
    from tenny_lsp.learning.fetch import FetchOptions, fetch

    if tokenizer is not None and file is None:
        raise typer.BadParameter("--tokenizer is for a file: --from FILE.gguf")
    with counted_bytes(err, f"Fetching {name or (file.name if file else locations.SMOLLM2)}") as on_bytes:
        card = fetch(FetchOptions(name, file, tokenizer), on_bytes)
    folder = locations.fetched_folder(card.name)
    out.print(f"{card.name} ({card.licence}) is in {folder}", highlight=False, soft_wrap=True)


@app.command()
def models(as_json: AsJson = False) -> None:
    """List the base models on this machine: origin, licence, size, hash, adapters, and what each can do."""
    from tenny_lsp.cli.tables import bases_table

    found = [_listed(name, folder) for name, folder in _folders().items()]
    if as_json:
        out.print_json(json.dumps(found))
    else:
        out.print(bases_table(found))
        for base in found:
            out.print(f"{base['name']}: {base.get('error') or base['origin']}", highlight=False, soft_wrap=True)
        if locations.fetched_base(locations.SMOLLM2) is None:
            out.print("smollm2 is not here: `tenny-lsp fetch smollm2`", highlight=False)


def _folders() -> dict[str, Path]:
    return {locations.EMBEDDED: locations.embedded_base(), **locations.fetched_bases()}


def _listed(name: str, folder: Path) -> dict[str, Any]:
    """Return a base's card with its folder, size and adapters; one that cannot be read is listed with its error."""
    from tenny_lsp.model.bases import BaseCard, read_base_card
    from tenny_lsp.model.identity import base_sha256
    from tenny_lsp.model.protocol import EMBEDDED_ABILITIES

    found = (locations.find_adapter(name, purpose) for purpose in (locations.MLX_DOCS, locations.CYNIC))
    about: dict[str, Any] = {
        "name": name,
        "folder": str(folder),
        "bytes": sum(file.stat().st_size for file in folder.glob("model*.safetensors")),
        "adapters": [str(adapter) for adapter in found if adapter is not None],
    }
    try:
        if name == locations.EMBEDDED:
            card: BaseCard | None = BaseCard(
                name, "trained for Tenny, see its README", "MIT", base_sha256(folder), EMBEDDED_ABILITIES
            )
        else:
            card = read_base_card(folder)
        return about | (card.values() if card else {"error": "its card is missing: fetch it again"})
    except (TennyError, OSError) as error:
        return about | {"error": str(error)}
