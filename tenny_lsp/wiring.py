"""Build the server and the models that settings or command-line options name."""

import gc
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tenny_lsp import locations
from tenny_lsp.errors import AdapterError
from tenny_lsp.model.endpoint_address import is_address, read_address
from tenny_lsp.model.identity import base_name_of

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer
    from tenny_lsp.lsp.settings import ModelSettings
    from tenny_lsp.model.client import WorkerModel
    from tenny_lsp.model.endpoint import EndpointModel
    from tenny_lsp.model.protocol import Abilities, TextModel


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Send log records to stderr; an editor shows them, and reads the level at the start of each line."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")


def make_server() -> "TennyServer":
    """Build a server, ready to be started; its settings choose the model."""
    gc.disable()  # the protocol is hundreds of classes: looking for garbage among them costs a tenth of the start
    from tenny_lsp.lsp.generated_code import generated_code_kept

    with generated_code_kept():
        from tenny_lsp.lsp.server import create_server

    gc.enable()
    return create_server(_model_of, _writer_of)


def speaking_model(model: str, adapter: Path | None, *, name: str, deadline_s: float) -> "TextModel":
    """Build the client of a base model, see ``worker_model``, or of an OpenAI-compatible server.

    Args:
        model (str): The base, or the address of the server: ``http://localhost:8080/v1#name``.
        adapter (Path, optional): The adapter. Default: the base's own; of a server, none.
        name (str): What the adapter is for, ``locations.MLX_DOCS`` or ``locations.CYNIC``.
        deadline_s (float): Seconds after which an unfinished answer is cancelled.

    Raises:
        BaseModelError: There is no base of that name on this machine, or it is no address.
        AdapterError: There is no such adapter, see ``worker_model``.
    """
    if is_address(model):
        return _endpoint_model(model, adapter, deadline_s)
    return worker_model(model, adapter, name=name, deadline_s=deadline_s)


def worker_model(
    model: str,
    adapter: Path | None,
    *,
    name: str = locations.MLX_DOCS,
    idle_unload_s: float = 600,
    deadline_s: float = 30,
    may_be_bare: bool = False,
    is_shared: bool = False,
) -> "WorkerModel":
    """Build the client of a base model and an adapter; its worker is started on first use.

    Args:
        model (str): The base, as ``locations.base_folder`` takes it; empty: the embedded one.
        adapter (Path, optional): The adapter's folder. Default: the base's own, if it has been trained.
        name (str): What the adapter is for, ``locations.MLX_DOCS`` or ``locations.CYNIC``.
        idle_unload_s (float): Seconds without a question after which the model is unloaded.
        deadline_s (float): Seconds after which an unfinished answer is cancelled.
        may_be_bare (bool): Whether the embedded base may speak without an adapter, which has no good answers.
        is_shared (bool): Whether the user's other servers may use the same worker.

    Raises:
        BaseModelError: There is no base of that name on this machine.
        AdapterError: There is no such adapter and the base may not be bare; another one than the embedded may, but it
            does not know how to roast.
    """
    from tenny_lsp.model.client import WorkerModel, WorkerOptions
    from tenny_lsp.model.keeper import KeeperOptions

    base = locations.base_folder(model)
    adapter = adapter or locations.find_adapter(model, name)
    is_embedded = model in ("", locations.EMBEDDED)
    if adapter is None and not may_be_bare and (name == locations.CYNIC or is_embedded):
        if name == locations.CYNIC:
            raise AdapterError("Nobody has trained an adapter called cynic for this base", "Name one: --adapter-path.")
        raise AdapterError("There is no trained adapter", "Run tenny-lsp build-dataset, then tenny-lsp train.")
    keeping = KeeperOptions(idle_unload_s=idle_unload_s)
    can = abilities(model)
    options = WorkerOptions(base, adapter, can, deadline_s=deadline_s, is_shared=is_shared, keeping=keeping)
    return WorkerModel(options)


def abilities(model: str) -> "Abilities":
    """Return what a base can do.

    Args:
        model (str): The base, as ``locations.base_folder`` takes it; empty: the embedded one.

    Raises:
        BaseModelError: There is no such base on this machine, or its card cannot be read.
    """
    from tenny_lsp.model.bases import read_base_card
    from tenny_lsp.model.protocol import ALL_ABILITIES, EMBEDDED_ABILITIES

    if model in ("", locations.EMBEDDED):
        return EMBEDDED_ABILITIES
    card = read_base_card(locations.base_folder(model))
    return card.can if card is not None else ALL_ABILITIES


def _endpoint_model(address: str, adapter: Path | None, deadline_s: float | None = None) -> "EndpointModel":
    """Build the client of a server; ``deadline_s`` is how long everything may take there, if it is not the default."""
    from tenny_lsp.model.endpoint import EndpointModel
    from tenny_lsp.model.endpoint_client import EndpointOptions

    if deadline_s is None:
        return EndpointModel(read_address(address), adapter)
    options = EndpointOptions(first_piece_s=deadline_s, next_piece_s=deadline_s)
    return EndpointModel(read_address(address), adapter, deadline_s=deadline_s, options=options)


def _model_of(settings: "ModelSettings") -> "TextModel | None":
    if not settings.enabled:
        return None
    path = "" if _may_be_beside(settings) else settings.path
    return worker_model(path, _adapter_of(settings, path), idle_unload_s=settings.idle_unload_s, is_shared=True)


def _writer_of(settings: "ModelSettings") -> "TextModel | None":
    """Build the model that speaks beside the embedded one; None where there is to be none."""
    if settings.enabled and settings.endpoint:
        adapter = locations.expanded(settings.adapter_path) if settings.adapter_path else None
        return _endpoint_model(settings.endpoint, adapter)
    is_wanted = settings.path == locations.SMOLLM2 or locations.fetched_base(locations.SMOLLM2) is not None
    if not settings.enabled or not _may_be_beside(settings) or not is_wanted:
        return None
    adapter = _adapter_of(settings, locations.SMOLLM2)
    return worker_model(locations.SMOLLM2, adapter, idle_unload_s=settings.idle_unload_s, is_shared=True)


def _may_be_beside(settings: "ModelSettings") -> bool:
    """Return whether smollm2 stands beside the embedded base, which goes on ranking names: it is quick."""
    return settings.path in ("", locations.SMOLLM2)


def _adapter_of(settings: "ModelSettings", base: str) -> Path | None:
    """Return the adapter of the settings, if it is for a base; of two bases, its card says for which.

    Beside an endpoint it is the endpoint's.
    """
    if not settings.adapter_path or settings.endpoint:
        return None
    adapter = locations.expanded(settings.adapter_path)
    is_for_smollm2 = base_name_of(adapter) == locations.SMOLLM2
    return adapter if not _may_be_beside(settings) or is_for_smollm2 == (base == locations.SMOLLM2) else None
