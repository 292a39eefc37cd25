"""What MLX-LM reads of a base's configuration, and newer releases of transformers write elsewhere or leave out."""

import json
from pathlib import Path
from typing import Any


def supplement(folder: Path) -> dict[str, Any]:
    """Return the values that a base's ``config.json`` lacks for MLX-LM: what its ``load`` takes as ``model_config``.

    transformers 5 writes ``rope_parameters`` where MLX-LM reads ``rope_theta``, ``rope_scaling`` and
    ``partial_rotary_factor``, and takes its defaults where they are not: another model, without a word. It leaves out
    GPT-2's ``n_ctx``.
    """
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(config, dict):
        return {}
    found: dict[str, Any] = {}
    if config.get("model_type") == "gpt2":
        found["n_ctx"] = config.get("n_positions", 1024)
    rope = config.get("rope_parameters")
    if isinstance(rope, dict) and not any(isinstance(value, dict) for value in rope.values()):
        found |= {name: rope[name] for name in ("rope_theta", "partial_rotary_factor") if name in rope}
        if rope.get("rope_type", "default") != "default":
            found["rope_scaling"] = {name: value for name, value in rope.items() if name not in found}
    return {name: value for name, value in found.items() if config.get(name) is None}
