"""Preallocated key/value cache and a decoding loop."""

import mlx.core as mx


class StaticCache:
    """Keys and values of all layers in two (layers, B, H, max_len, D) buffers."""

    def __init__(self, layers: int, batch: int, heads: int, max_len: int, dims: int):
        shape = (layers, batch, heads, max_len, dims)
        self.keys = mx.zeros(shape)
        self.values = mx.zeros(shape)

    def write(self, layer: int, start: int, keys: mx.array, values: mx.array):
        """Store the new keys and values of a layer at position start."""
        stop = start + keys.shape[2]
        layer_keys = self.keys[layer]
        layer_values = self.values[layer]
        layer_keys[:, :, start:stop] = keys
        layer_values[:, :, start:stop] = values

    def read(self, layer: int, stop: int) -> tuple[mx.array, mx.array]:
        return self.keys[layer, :, :, :stop], self.values[layer, :, :, :stop]


def pack_lengths(tokens: mx.array, pad_id: int) -> list[mx.array]:
    """Cut the right padding off each row of a batch of token ids."""
    lengths = (tokens != pad_id).sum(axis=1)
    rows = []
    for row in range(tokens.shape[0]):
        rows.append(tokens[row, : lengths[row]])
    return rows


def sample(logits: mx.array, temperature: float) -> mx.array:
    """Draw the next token for each row of logits."""
    if temperature == 0:
        return mx.argmax(logits, axis=-1)
    probs = mx.softmax(logits / temperature, axis=-1)
    return mx.random.categorical(probs)
