"""Read a training's options from a YAML file with the keys of ``mlx_lm.lora``. Imports no MLX."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import yaml  # type: ignore[import-untyped]

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.options import HubDataset, TrainOptions

LOGGER = logging.getLogger(__name__)

#: MLX-LM's key → the option, where it is called otherwise.
_RENAMED = {"fine_tune_type": "train_type"}
#: What MLX-LM's command does by options and Tenny's by its name, or never.
_IGNORED = {"train", "config", "trust_remote_code", "clear_cache_threshold"}
#: An option's type → how a message calls it, and what YAML may make of it.
_KINDS: dict[type, tuple[str, tuple[type, ...]]] = {
    bool: ("true or false", (bool,)),
    int: ("a whole number", (int, float, str)),
    float: ("a number", (int, float, str)),
    str: ("a text", (str,)),
    Path: ("a path", (str,)),
}
#: What an absent ``optimizer`` means.
_OPTIMIZER = "adam"
_SCHEDULES = {"cosine_decay": "cosine", "linear_schedule": "linear"}


def read_config(file: Path) -> dict[str, Any]:
    """Return the options that a file gives, by the names of ``TrainOptions``.

    Raises:
        TrainingError: The file cannot be read, or holds what is no option; the message names it.
    """
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TrainingError(f"{file} cannot be read: {error}", "Give a YAML file with mlx_lm.lora's keys.") from error
    if not isinstance(values, dict):
        raise TrainingError(f"{file} holds no keys", "Write it like this: learning_rate: 1e-4.")
    found: dict[str, Any] = {}
    for key, value in values.items():
        if key in _IGNORED or value is None:
            continue
        if key == "optimizer_config" and isinstance(value, dict):  # a part for each optimizer there is
            value = value.get(str(values.get("optimizer") or _OPTIMIZER)) or {}
        found |= _options(str(key), value, file)
    return found


def _options(key: str, value: Any, file: Path) -> dict[str, Any]:
    nested: dict[str, Callable[[Any, Path], dict[str, Any]]] = {
        "lora_parameters": _lora,
        "optimizer_config": _optimizer,
        "lr_schedule": _schedule,
        "hf_dataset": _hub_dataset,
    }
    if key in nested and isinstance(value, dict):
        return nested[key](value, file)
    if key in nested and key != "lr_schedule":
        raise TrainingError(f"{file}: {key} is {value!r}", "Write its keys below it, indented.")
    name = _RENAMED.get(key, key)
    if name not in TrainOptions.__dataclass_fields__:
        raise TrainingError(f"{file} has the key {key}, which is no option", "`tenny-lsp train --help` lists them.")
    return {name: _converted(name, value, file)}


def _converted(name: str, value: Any, file: Path) -> Any:
    """Return a value in its option's type: YAML takes 1e-4 for a text, and knows no paths."""
    annotation: Any = TrainOptions.__dataclass_fields__[name].type
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)]
    kind = str if Literal in (get_origin(annotation), get_origin(kinds[0])) else kinds[0]
    if get_origin(annotation) is tuple:
        if isinstance(value, list) and (len(value) == len(kinds) or Ellipsis in kinds):
            return tuple(_one(kind, name, item, file) for item in value)
        raise TrainingError(f"{file}: {name} is {value!r}", f"Give a list{'' if kind is str else ' of two numbers'}.")
    return _one(kind, name, value, file)


def _one(kind: Any, name: str, value: Any, file: Path) -> Any:
    """Return a single value in its type."""
    expected, accepted = _KINDS[kind]
    if isinstance(value, accepted) and (kind is bool or not isinstance(value, bool)):
        with suppress(ValueError, OverflowError):
            found: Any = kind(value)
            if kind is not int or float(str(value)) == found:
                return found
    raise TrainingError(f"{file}: {name} is {value!r}", f"Give {expected}.")


def _lora(values: dict[str, Any], file: Path) -> dict[str, Any]:
    known = {"rank", "scale", "alpha", "dropout", "keys"}
    return _nested("lora_parameters", values, known, file)


def _optimizer(values: dict[str, Any], file: Path) -> dict[str, Any]:
    return _nested("optimizer_config", values, {"weight_decay", "betas", "bias_correction"}, file)


def _schedule(values: dict[str, Any], file: Path) -> dict[str, Any]:
    """Take over a schedule; its arguments begin with the peak, the rest follows from the iterations."""
    name = str(values.get("name"))
    if name not in _SCHEDULES:
        raise TrainingError(f"{file}: the schedule {name} is not known", f"Use {' or '.join(_SCHEDULES)}.")
    found: dict[str, Any] = {"lr_schedule": _SCHEDULES[name]}
    if "warmup" in values:
        found["warmup"] = _converted("warmup", values["warmup"], file)
    if arguments := values.get("arguments"):
        if not isinstance(arguments, list):
            raise TrainingError(f"{file}: the schedule's arguments are {arguments!r}", "Give a list of numbers.")
        found["learning_rate"] = _converted("learning_rate", arguments[0], file)
        if len(arguments) > 1:
            LOGGER.warning("%s: of the schedule's arguments only the peak counts; it falls to a tenth of that", file)
    return found


def _hub_dataset(values: dict[str, Any], file: Path) -> dict[str, Any]:
    """Take over a dataset of the hub, and what its columns are called."""
    features = {name: value for name, value in values.items() if str(name).endswith("_feature")}
    known = {"prompt_feature", "completion_feature", "text_feature", "chat_feature"}
    chosen = {name: value for name, value in values.items() if name not in features and value is not None}
    arguments = chosen.pop("config", {})  # MLX-LM's place for what else load_dataset takes
    chosen |= arguments if isinstance(arguments, dict) else {"config": arguments}
    parts = {field.name for field in fields(HubDataset)}
    if unknown := sorted(set(map(str, chosen)) - parts):
        raise TrainingError(
            f"{file} has the key {unknown[0]} under hf_dataset, which is no option",
            f"There are {', '.join(sorted(parts | known))}.",
        )
    if not isinstance(chosen.get("path"), str):
        raise TrainingError(f"{file}: hf_dataset names no path", "Write it like this: path: owner/name.")
    hub = HubDataset(**{str(name): _one(str, str(name), value, file) for name, value in chosen.items()})
    return {"hf_dataset": hub, **_nested("hf_dataset", features, known, file)}


def _nested(where: str, values: dict[str, Any], known: set[str], file: Path) -> dict[str, Any]:
    if unknown := sorted(set(map(str, values)) - known):
        raise TrainingError(
            f"{file} has the key {unknown[0]} under {where}, which is no option",
            f"There are {', '.join(sorted(known))}.",
        )
    return {name: _converted(name, value, file) for name, value in values.items() if value is not None}
