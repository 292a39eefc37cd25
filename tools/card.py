"""Write the base's model card: what it is, its training data, its scores, and how to make it again."""

from pathlib import Path
from typing import Any

from tools.parts import ANNEAL_MIX, HELD_OUT, MIX
from tools.training import architecture

_CARD = """# The embedded base model

A Llama of {parameters:.1f} million parameters, pretrained from nothing on Python code written with MLX and on
documentation. It is **tiny**: about a thousandth of the models people usually mean by "language model". On its
own it knows little, invents names, and repeats itself; it is here so that Tenny works without a download and so
that a LoRA adapter has something to stand on that runs anywhere. It is not a chat model, follows no instructions,
and nothing it writes should be believed without looking it up.

## What it is

| | |
|---|---|
| architecture | `LlamaForCausalLM`: {layers} layers, {heads} heads, hidden {hidden}, feed-forward {inner} |
| embeddings | input and output tied |
| weights | float16, `model.safetensors` |
| tokenizer | sentencepiece BPE, {vocabulary} pieces, byte fallback; encoding adds no token; `</s>` ends a text |
| context | sequences of {context} tokens |
| prompt form | documentation, an empty line, `Q: What is ReLU in mlx?` newline `A:`; Python is continued as it is |
| tokens seen | {tokens:.2f} million in {steps} steps |
| training | {minutes:.0f} minutes, {machine}, bfloat16 autocast; stopped and resumed {stops} times |
| optimizers | Muon for the matrices, AdamW for the rest; rate {rate}, let fall over the last {decay_steps} steps |

## Loss

Nats a token. Training loss is of the mix at that moment: the last {decay_steps} steps weigh questions more, which are
easier, so it falls faster there. Held-out loss is of packages never trained on, on their first sequences while training
went on and on all of them in the last row. The first of them is not permissively licensed, so it is read for this
measurement only, and its models resemble those of packages that are trained on: the others tell more.

{curve}

## What it has read

Parts by weight, over most of the run: {mix}.
In the last stretch: {anneal_mix}.
Million tokens drawn of each, again and again where there are fewer: {drawn}.

- `code`: source of the MLX packages below. Tests, vendored and generated files are left out; files that repeat another
  one, or a held-out one, nearly line by line are kept once.
- `python`: source of the other packages below, an equal amount of each.
- `docs`, `questions`: docstrings of the other packages below, as prose and as questions with answers.
- `reading`: an excerpt of documentation, or two, with a question that one of them answers.
- `mlx_docs`, `mlx_questions`, `mlx_reading`: docstrings of MLX itself, only for names in the *train* split (seed 0,
  5 % test, 5 % validation), so that a score on the other names is honest. Code and prose that quote a held-out name's
  summary are left out. MLX code does use held-out names, as all MLX code does.
- `english`: manuals (Python, Rust, Apache, PostgreSQL, SQLite, Node), the Jargon File, Bierce's dictionary, and the
  packages' own descriptions.

Only packages that state a permissive licence:

{sources}

## Greedy samples

As they came, good or bad; `▸` marks where the model takes over. `rfft` and `where` are held-out names: it has never
read their documentation.

{samples}

{agreement}## Make it again

```
python -m tools.pretrain_base corpus
python -m tools.pretrain_base tokenizer
python -m tools.pretrain_base train --batch-size {batch} --sequence-length {context} --learning-rate {rate} \\
    --decay-from {decay_from} --decay-steps {decay_steps}
python -m tools.pretrain_base export tenny_lsp/base
```

The packages' newest versions are fetched, so another day gives another model.
"""


def write_card(
    target: Path,
    state: dict[str, Any],
    log: list[dict[str, Any]],
    sources: dict[str, list[str]],
    samples: dict[str, str],
    agreement: float | None,
) -> None:
    """Write ``README.md`` into the model's folder from what the run left behind."""
    config, progress = state["config"], state["progress"]
    shape, drawn = architecture(config["hidden_size"]), {name: progress["drawn"].get(name, 0) for name in MIX}
    embedding = state["model"]["model.embed_tokens.weight"].numel()
    parameters = sum(tensor.numel() for tensor in state["model"].values())
    tied = embedding if "lm_head.weight" in state["model"] else 0
    listed = "\n".join(f"- {name} {version} ({licence})" for name, (version, licence) in sorted(sources.items()))
    shown = "\n\n".join(f"```\n{prompt}▸{text}\n```" for prompt, text in samples.items())
    agreed = ""
    if agreement is not None:
        agreed = (
            f"mlx-lm and transformers hold the same next token most likely at {agreement:.1%} of these positions.\n\n"
        )
    text = _CARD.format(
        parameters=(parameters - tied) / 1e6,
        hidden=shape.hidden_size,
        layers=shape.num_hidden_layers,
        heads=shape.num_attention_heads,
        inner=shape.intermediate_size,
        vocabulary=shape.vocab_size,
        context=config["sequence_length"],
        tokens=progress["tokens"] / 1e6,
        steps=progress["step"],
        batch=config["batch_size"],
        minutes=progress["elapsed_s"] / 60,
        machine=state["machine"],
        stops=sum(row.get("stopped", False) for row in log),
        rate=config["learning_rate"],
        decay_steps=config["decay_steps"],
        decay_from=progress["decay_began"],
        curve=_curve(log),
        mix=_weights(MIX),
        drawn=_weights({name: round(count * config["sequence_length"] / 1e6, 1) for name, count in drawn.items()}),
        anneal_mix=_weights(ANNEAL_MIX),
        sources=listed,
        samples=shown,
        agreement=agreed,
    )
    (target / "README.md").write_text(text, encoding="utf-8")


def _weights(mix: dict[str, float]) -> str:
    return ", ".join(f"{name} {weight:g}" for name, weight in mix.items())


def _curve(log: list[dict[str, Any]]) -> str:
    """Return about a dozen rows of training and held-out loss as a table."""
    trained = [row for row in log if "loss" in row]
    measured = [row for row in log if HELD_OUT[0] in row]
    chosen = [*measured[:-1][:: max(1, len(measured) // 10)], measured[-1]]
    lines = [f"| tokens | training | {' | '.join(HELD_OUT)} |", "|---|---|" + "---|" * len(HELD_OUT)]
    for row in chosen:
        near = min(trained, key=lambda other: abs(other["step"] - row["step"]))
        scores = " | ".join(f"{row[name]:.2f}" for name in HELD_OUT)
        lines.append(f"| {near['tokens'] / 1e6:.2f} M | {near['loss']:.2f} | {scores} |")
    return "\n".join(lines)
