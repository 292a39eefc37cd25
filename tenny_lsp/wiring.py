"""Build the server and the models that settings or command-line options name."""

import gc
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tenny_lsp import locations
from tenny_lsp.errors import AdapterError

if TYPE_CHECKING:
    from tenny_lsp.lsp.server import TennyServer
    from tenny_lsp.lsp.settings import ModelSettings
    from tenny_lsp.model.client import WorkerModel
    from tenny_lsp.model.protocol import TextModel


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Send log records to stderr; an editor shows them, and reads the level at the start of each line."""
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")


def make_server() -> "TennyServer":
    """Build a server, ready to be started; its settings choose the model."""
    gc.disable()  # the protocol is hundreds of classes: looking for garbage among them costs a tenth of the start
    from tenny_lsp.lsp.server import create_server

    gc.enable()
    return create_server(_model_of)


def worker_model(
    model: str,
    adapter: Path | None,
    *,
    name: str = locations.MLX_DOCS,
    idle_unload_s: float = 600,
    deadline_s: float = 30,
    may_be_bare: bool = False,
) -> "WorkerModel":
    """Build the client of a base model and an adapter; its worker is started on first use.

    Args:
        model (str): The base model's folder, or the hub name of one that was downloaded; empty: the embedded one.
        adapter (Path, optional): The adapter's folder. Default: the base's own, if it has been trained.
        name (str): What the adapter is for, ``locations.MLX_DOCS`` or ``locations.CYNIC``.
        idle_unload_s (float): Seconds without a question after which the model is unloaded.
        deadline_s (float): Seconds after which an unfinished answer is cancelled.
        may_be_bare (bool): Whether the embedded base may speak without an adapter, which has no good answers.

    Raises:
        BaseModelError: A model of that hub name has not been downloaded.
        AdapterError: There is no such adapter and the base may not be bare; another one than the embedded may, but it
            does not know how to roast.
    """
    from tenny_lsp.model.client import WorkerModel, WorkerOptions
    from tenny_lsp.model.keeper import KeeperOptions
    from tenny_lsp.model.protocol import ALL_ABILITIES, EMBEDDED_ABILITIES

    base = _base(model)
    adapter = adapter or locations.find_adapter(model, name)
    if adapter is None and not may_be_bare and (name == locations.CYNIC or not model):
        if name == locations.CYNIC:
            raise AdapterError("Nobody has trained an adapter called cynic for this base", "Name one: --adapter-path.")
        raise AdapterError("There is no trained adapter", "Run tenny-lsp build-dataset, then tenny-lsp train.")
    keeping = KeeperOptions(idle_unload_s=idle_unload_s)
    can = ALL_ABILITIES if model else EMBEDDED_ABILITIES
    return WorkerModel(WorkerOptions(base, adapter, can, deadline_s=deadline_s, keeping=keeping))


def text_model(model: str, adapter: Path | None, *, idle_unload_s: float = 600, deadline_s: float = 30) -> "TextModel":
    """Build a model that looks its answers up in those of its adapter first, and only then asks the worker.

    Arguments and errors are those of ``worker_model``.
    """
    from tenny_lsp.model.adapter_files import ANSWERS_FILE
    from tenny_lsp.model.precomputed import Precomputed

    speaker = worker_model(model, adapter, idle_unload_s=idle_unload_s, deadline_s=deadline_s)
    folder = adapter or locations.find_adapter(model)
    return Precomputed(speaker, folder / ANSWERS_FILE) if folder and (folder / ANSWERS_FILE).is_file() else speaker


def _base(model: str) -> Path:
    if not model:
        return locations.embedded_base()
    return locations.downloaded(model) if locations.is_hub_name(model) else locations.expanded(model)


def _model_of(settings: "ModelSettings") -> "TextModel | None":
    if not settings.enabled:
        return None
    adapter = locations.expanded(settings.adapter_path) if settings.adapter_path else None
    return text_model(settings.path, adapter, idle_unload_s=settings.idle_unload_s)
