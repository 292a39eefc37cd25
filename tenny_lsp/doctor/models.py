"""Examine bases and adapters: their hashes, their files, and whether they belong together. Loads none of them."""

import json
from pathlib import Path

from tenny_lsp import locations
from tenny_lsp.doctor.component import Component
from tenny_lsp.errors import AdapterError, BaseModelError, TennyError
from tenny_lsp.model.adapter_files import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE
from tenny_lsp.model.bases import read_base_card
from tenny_lsp.model.identity import base_fingerprint, base_sha256, check_card, refuse_code, weight_files

#: The safetensors format's own limit.
_MAX_HEADER_BYTES = 100_000_000


def examine_models() -> list[Component]:
    """Return every base on this machine and every adapter that would be used with one."""
    bases = {locations.EMBEDDED: locations.embedded_base(), **locations.fetched_bases()}
    found = [_base(name, folder) for name, folder in bases.items()]
    if locations.SMOLLM2 not in bases:
        detail = "has not been fetched: the embedded base answers and chooses remarks alone"
        found.append(Component("base smollm2", "absent", detail, "tenny-lsp fetch smollm2"))
    for name, folder in bases.items():
        found += [_adapter(name, folder, purpose) for purpose in (locations.MLX_DOCS, locations.CYNIC)]
    return found


def _base(name: str, folder: Path) -> Component:
    title = f"base {name}"
    is_embedded = name == locations.EMBEDDED
    repair = "pip install --force-reinstall --no-deps tenny-lsp" if is_embedded else f"tenny-lsp fetch {name}"
    try:
        base_fingerprint(folder)
        refuse_code(folder)
        for file in weight_files(folder):
            _check_weights(file)
        sha256 = base_sha256(folder)
        expected = _embedded_sha256() if is_embedded else _sha256_of_card(folder)
    except (TennyError, OSError, ValueError) as error:
        return Component(title, "broken", _reason(error), repair)
    megabytes = sum(file.stat().st_size for file in weight_files(folder)) / 1e6
    values = {"sha256": sha256, "folder": str(folder)}
    detail = f"{megabytes:.0f} MB in {folder}, SHA-256 {sha256[:12]}"
    if expected is None:
        return Component(title, "works", f"{detail}, compared with nothing", values=values)
    if expected != sha256:
        return Component(title, "broken", f"{detail} is not {expected[:12]}: the file was changed", repair, values)
    return Component(title, "works", f"{detail} as it should be", values=values)


def _sha256_of_card(folder: Path) -> str:
    card = read_base_card(folder)
    if card is None:
        raise BaseModelError(f"{folder} has no {CARD_FILE}", "Fetch the base again: `tenny-lsp fetch`.")
    return card.sha256


def _embedded_sha256() -> str | None:
    """Return the hash that the embedded base should have, as the adapters shipped with it say."""
    adapter = locations.shipped_adapter()
    if adapter is None:
        return None
    try:
        sha256 = json.loads((adapter / CARD_FILE).read_bytes())["base"]["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(sha256)


def _adapter(base: str, base_folder: Path, purpose: str) -> Component:
    title = f"adapter {purpose} for {base}"
    folder = locations.find_adapter(base, purpose)
    if folder is None:
        return Component(title, "absent", "has not been trained", _training(base, purpose))
    is_users = folder == locations.trained_adapter(base, purpose)
    detail = f"{'your own' if is_users else 'shipped'}, in {folder}"
    again = f"remove {folder}, or train it again: {_training(base, purpose)}"
    repair = again if is_users else "pip install --force-reinstall --no-deps tenny-lsp"
    try:
        _check_adapter(folder)
        check_card(folder, base_folder)
    except (TennyError, OSError, ValueError) as error:
        return Component(title, "broken", _reason(error), repair)
    has_card = (folder / CARD_FILE).is_file()
    return Component(
        title, "works", detail if has_card else f"{detail}, without a card", values={"folder": str(folder)}
    )


def _training(base: str, purpose: str) -> str:
    model = "" if base == locations.EMBEDDED else f" --model {base}"
    if purpose == locations.CYNIC:
        return f"tenny-lsp train --data ROASTS{model} --adapter-path {locations.trained_adapter(base, purpose)}"
    return f"tenny-lsp build-dataset && tenny-lsp train{model}"


def _check_adapter(folder: Path) -> None:
    """Raise if an adapter's configuration or weights are damaged.

    Raises:
        AdapterError: They are.
    """
    config = folder / CONFIG_FILE
    try:
        values = json.loads(config.read_bytes())
    except (OSError, ValueError) as error:
        raise AdapterError(f"{config} cannot be read: {error}", "Train it again.") from error
    if not isinstance(values, dict):
        raise AdapterError(f"{config} holds no object", "Train it again.")
    _check_weights(folder / WEIGHTS_FILE)


def _check_weights(file: Path) -> None:
    """Raise if a safetensors file is not as long as its header says.

    Raises:
        AdapterError, OSError: It is damaged, or cannot be read.
    """
    size = file.stat().st_size
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            tensors = json.loads(stream.read(min(length, size, _MAX_HEADER_BYTES)))
        ends = [tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__"]
        is_whole = size == 8 + length + max(ends, default=0)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise AdapterError(f"{file} is no safetensors file", "Make it again.") from error
    if not is_whole:
        raise AdapterError(f"{file} is damaged: its size is not what its header says", "Make it again.")


def _reason(error: Exception) -> str:
    return error.what if isinstance(error, TennyError) else str(error)
