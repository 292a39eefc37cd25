import mlx.core as mx
import mlx.nn as nn


class Bigram(nn.Module):
    def __init__(self, vocab):
        super().__init__()
        self.table = nn.Embedding(vocab, vocab)

    def __call__(self, ids):
        return self.table(ids)


def generate(model, prompt, count, temperature=1.0):
    token = prompt[:, -1:]
    for _ in range(count):
        logits = model(token)[:, -1, :]
        if temperature == 0:
            token = mx.argmax(logits, axis=-1, keepdims=True)
        else:
            token = mx.random.categorical(logits * (1 / temperature))[:, None]
        mx.async_eval(token)
        yield token


model = Bigram(20)
mx.eval(model.parameters())
prompt = mx.array([[1, 2, 3]])
tokens = [t.item() for t in generate(model, prompt, 8)]
greedy = mx.concatenate(list(generate(model, prompt, 4, temperature=0)), axis=1)
print(tokens, greedy.shape)
