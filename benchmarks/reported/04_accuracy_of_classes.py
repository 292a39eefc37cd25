import mlx.core as mx


def per_class_accuracy(logits, targets, classes):
    pred = mx.argmax(logits, axis=-1)
    scores = []
    for c in range(classes):
        mask = targets == c
        hits = pred[mask] == targets[mask]
        scores.append(hits.sum().item() / max(mask.sum().item(), 1))
    return scores


def masked_accuracy(logits, targets, ignore=-100):
    valid = targets != ignore
    correct = (mx.argmax(logits, axis=-1) == targets) & valid
    return correct.sum() / valid.sum()


logits = mx.random.normal((32, 4))
targets = mx.random.randint(0, 4, (32,))
print(per_class_accuracy(logits, targets, 4))
print(masked_accuracy(logits, targets).item())
