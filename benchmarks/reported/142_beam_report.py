import json

import mlx.core as mx
import mlx.nn as nn

EOS = {0, 3}


class Bigram(nn.Module):
    def __init__(self, vocab=16):
        super().__init__()
        self.table = mx.random.normal((vocab, vocab)) * 2

    def __call__(self, token):
        return nn.log_softmax(self.table[token])


def greedy(model, token, limit=20):
    path = []
    while len(path) < limit:
        token = mx.argmax(model(token))
        if token in EOS:
            break
        path.append(token.item())
    return path


def margin(model, token):
    best, second = mx.topk(model(token), 2)
    return best - second


def report(model, starts):
    rows = []
    for start in starts:
        path = greedy(model, mx.array(start))
        rows.append({"start": start, "length": len(path), "margin": margin(model, mx.array(start)).item()})
    return json.dumps({"rows": rows, "longest": max(row["length"] for row in rows)})


mx.random.seed(8)
model = Bigram()
model.table[7, 3] = 20.0
summary = report(model, [7, 5])
print(summary)
