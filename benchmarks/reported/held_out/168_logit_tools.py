"""Logit processing for a text sampler."""

import mlx.core as mx


def top_k_filter(logits: mx.array, k: int) -> mx.array:
    """Keep the k best logits of each row, push the others to -inf."""
    threshold = mx.topk(logits, k, axis=-1)[..., -1:]
    return mx.where(logits < threshold, -mx.inf, logits)


def repetition_penalty(logits: mx.array, seen: mx.array, penalty: float) -> mx.array:
    """Make the tokens that were seen (boolean, one per vocabulary entry) less likely."""
    chosen = logits[seen]
    logits[seen] = mx.where(chosen > 0, chosen / penalty, chosen * penalty)
    return logits


def frequency_penalty(logits: mx.array, tokens: mx.array, strength: float) -> mx.array:
    """Lower each logit in proportion to how often its token has occurred."""
    counts = mx.zeros(logits.shape, dtype=logits.dtype)
    counts[tokens] += 1
    return logits - strength * counts


def draw_sequence(logits: mx.array, length: int, seed: int) -> list[int]:
    """Draw a reproducible sequence of tokens from fixed logits."""
    key = mx.random.key(seed)
    out = []
    for _ in range(length):
        token = mx.random.categorical(logits, key=key)
        out.append(token)
    return mx.stack(out).tolist()
