"""Nearest-neighbour classification and its evaluation."""

import time

import mlx.core as mx


def distances(queries: mx.array, points: mx.array) -> mx.array:
    """Squared distances, (Q, P)."""
    cross = queries @ points.T
    q2 = mx.square(queries).sum(axis=-1, keepdims=True)
    p2 = mx.square(points).sum(axis=-1)
    return q2 - 2 * cross + p2


def predict(queries: mx.array, points: mx.array, labels: mx.array) -> mx.array:
    """Label of the nearest point of each query."""
    return labels[mx.argmin(distances(queries, points), axis=-1)]


def accuracy(predicted: mx.array, expected: mx.array) -> float:
    """Share of correct predictions."""
    correct = 0
    for row in range(predicted.shape[0]):
        if predicted[row].item() == expected[row].item():
            correct += 1
    return correct / predicted.shape[0]


def class_names(labels: mx.array, names: list[str]) -> list[str]:
    """Names of the classes that occur, in order."""
    return [names[i] for i in mx.unique(labels).tolist()]


def split(points: mx.array, sizes: list[int]) -> list[mx.array]:
    """Cut the data into consecutive parts of the given sizes."""
    return mx.split(points, sizes, axis=0)


def time_search(queries: mx.array, points: mx.array, rounds: int = 5) -> float:
    """Average seconds for one full distance computation."""
    mx.eval(queries, points)
    start = time.perf_counter()
    for _ in range(rounds):
        distances(queries, points)
    return (time.perf_counter() - start) / rounds
