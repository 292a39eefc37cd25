"""Bases that transformers 5 has saved mean in MLX what they mean there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx_lm
import pytest

from tenny_lsp.learning.convert.model import convert_model
from tenny_lsp.learning.convert.options import ConvertOptions
from tenny_lsp.learning.lora import load_unchanged
from tenny_lsp.model.base_config import supplement
from tenny_lsp.worker.voice import Voice

LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}  # fmt: skip


def configure(base: Path, **values: Any) -> Path:
    file = base / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return base


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {}),
        ({"rope_theta": 1.0, "rope_parameters": {"rope_theta": 2.0}}, {}),
        ({"rope_parameters": {"rope_theta": 5e5, "rope_type": "default"}}, {"rope_theta": 5e5}),
        (
            {"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}},
            {"rope_theta": 1e4, "partial_rotary_factor": 0.5},
        ),
        ({"rope_parameters": {"rope_theta": 5e5, **LLAMA3}}, {"rope_theta": 5e5, "rope_scaling": LLAMA3}),
        ({"rope_parameters": {"full_attention": {"rope_theta": 1e6}}}, {}),  # MLX-LM reads these itself
        ({"model_type": "gpt2", "n_positions": 64}, {"n_ctx": 64}),
        ({"model_type": "gpt2", "n_positions": 64, "n_ctx": 32}, {}),
        ([], {}),
    ],
)
def test_what_is_written_elsewhere_is_found(config: Any, expected: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))

    assert supplement(tmp_path) == expected


def test_every_way_to_load_a_base_reads_its_rope(make_base: Callable[[Path], Path], tmp_path: Path) -> None:
    base = configure(make_base(tmp_path / "base"), rope_parameters={"rope_theta": 5e5, "rope_type": "default"})

    convert_model(base, tmp_path / "converted", ConvertOptions())
    trained, *_ = load_unchanged(base)
    converted, *_ = mlx_lm.load(str(tmp_path / "converted"))
    spoken: Any = Voice(base, None)._model

    assert [model.layers[0].self_attn.rope.base for model in (trained, converted, spoken)] == [5e5] * 3
