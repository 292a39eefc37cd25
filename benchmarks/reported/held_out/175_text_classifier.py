"""Bag-of-embeddings and convolutional text classifiers."""

import mlx.core as mx
import mlx.nn as nn


class MeanPool(nn.Module):
    """Average the token embeddings of a (B, L, D) batch."""

    def __call__(self, x):
        return mx.mean(x, dim=1)


class BagClassifier(nn.Module):
    def __init__(self, vocab: int, dims: int, classes: int):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        self.pool = MeanPool()
        self.head = nn.Linear(dims, classes)

    def __call__(self, tokens):
        return self.head(self.pool(self.embed(tokens)))


class ConvClassifier(nn.Module):
    """Width-3 convolutions over the tokens, max-pooled over time."""

    def __init__(self, vocab: int, dims: int, classes: int):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        layers = [nn.Conv1d(dims, dims, 3, padding=1), nn.ReLU()]
        self.features = nn.Sequential(layers)
        self.head = nn.Linear(dims, classes)

    def __call__(self, tokens):
        hidden = self.features(self.embed(tokens))
        return self.head(hidden.max(axis=1))


class Ensemble(nn.Module):
    """Average of the logits of several classifiers."""

    def __init__(self, members: list[nn.Module]):
        super().__init__()
        self.members = members

    def forward(self, tokens):
        return sum(member(tokens) for member in self.members) / len(self.members)


def classify(model: nn.Module, tokens: mx.array) -> list[int]:
    model.eval()
    return mx.argmax(model(tokens), axis=-1).tolist()
