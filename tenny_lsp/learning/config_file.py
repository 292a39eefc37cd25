"""Read a training's options from a YAML file with the keys of ``mlx_lm.lora``. Imports no MLX."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tenny_lsp.errors import TrainingError
from tenny_lsp.learning.options import TrainOptions

#: MLX-LM's key → the option, where it is called otherwise.
_RENAMED = {"fine_tune_type": "train_type"}
#: What MLX-LM's command does by options and Tenny's by its name, or never.
_IGNORED = {"train", "config", "project_name", "trust_remote_code", "clear_cache_threshold", "hf_dataset"}
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
        found |= _options(str(key), value, file)
    return found


def _options(key: str, value: Any, file: Path) -> dict[str, Any]:
    nested: dict[str, Callable[[Any, Path], dict[str, Any]]] = {
        "lora_parameters": _lora,
        "optimizer_config": _optimizer,
        "lr_schedule": _schedule,
    }
    if key in nested and isinstance(value, dict):
        return nested[key](value, file)
    name = _RENAMED.get(key, key)
    if name not in TrainOptions.__dataclass_fields__:
        raise TrainingError(f"{file} has the key {key}, which is no option", "`tenny-lsp train --help` lists them.")
    return {name: _converted(name, value, file)}


def _converted(name: str, value: Any, file: Path) -> Any:
    """Return a value in its option's type: YAML takes 1e-4 for a text, and knows no paths."""
    annotation = str(TrainOptions.__dataclass_fields__[name].type)
    try:
        if isinstance(value, list):
            return tuple(value)
        if "Path" in annotation:
            return Path(str(value))
        if "float" in annotation:
            return float(value)
        return int(value) if "int" in annotation else value
    except (TypeError, ValueError) as error:
        raise TrainingError(f"{file}: {name} is {value!r}", "Give a number.") from error


def _lora(values: dict[str, Any], file: Path) -> dict[str, Any]:
    known = {"rank", "scale", "alpha", "dropout", "keys"}
    return _nested("lora_parameters", values, known, file)


def _optimizer(values: dict[str, Any], file: Path) -> dict[str, Any]:
    """Take over the chosen optimizer's options; MLX-LM's files list every optimizer, mostly with none."""
    found: dict[str, Any] = {}
    for options in values.values():
        found |= _nested("optimizer_config", options or {}, {"weight_decay", "betas"}, file)
    return found


def _schedule(values: dict[str, Any], file: Path) -> dict[str, Any]:
    """Take over a schedule; its arguments begin with the peak, the rest follows from the iterations."""
    name = values.get("name")
    if name not in _SCHEDULES:
        raise TrainingError(f"{file}: the schedule {name} is not known", f"Use {' or '.join(_SCHEDULES)}.")
    found: dict[str, Any] = {"lr_schedule": _SCHEDULES[name]}
    if "warmup" in values:
        found["warmup"] = _converted("warmup", values["warmup"], file)
    if arguments := values.get("arguments"):
        found["learning_rate"] = _converted("learning_rate", arguments[0], file)
    return found


def _nested(where: str, values: dict[str, Any], known: set[str], file: Path) -> dict[str, Any]:
    if unknown := sorted(set(values) - known):
        raise TrainingError(
            f"{file} has the key {unknown[0]} under {where}, which is no option",
            f"There are {', '.join(sorted(known))}.",
        )
    return {name: _converted(name, value, file) for name, value in values.items()}
