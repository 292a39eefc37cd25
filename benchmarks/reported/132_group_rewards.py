from collections import Counter

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Policy(nn.Module):
    def __init__(self, vocab=12, dims=16):
        super().__init__()
        self.embed = nn.Embedding(vocab, dims)
        self.head = nn.Linear(dims, vocab)

    def __call__(self, tokens):
        return self.head(mx.tanh(self.embed(tokens)))


def token_logprobs(logits, tokens):
    logprobs = mx.log(mx.softmax(logits, axis=-1))
    return mx.take_along_axis(logprobs, tokens[..., None], axis=-1)[..., 0]


def advantages(rewards):
    centred = rewards - rewards.mean(axis=1, keepdims=True)
    return centred / (rewards.std(axis=1, keepdims=True, ddof=0) + 1e-4)


def loss_fn(model, prompts, answers, advantage, old):
    ratio = mx.exp(token_logprobs(model(prompts), answers) - old)
    ratio = mx.array(ratio.tolist())
    return -(ratio * advantage).mean()


mx.random.seed(0)
model = Policy()
optimizer = optim.SGD(learning_rate=0.5)
prompts = mx.random.randint(0, 12, (4, 8))
answers = mx.random.categorical(model(prompts))
old = mx.stop_gradient(token_logprobs(model(prompts), answers))
advantage = advantages((answers % 3 == 0).astype(mx.float32))
loss, grads = nn.value_and_grad(model, loss_fn)(model, prompts, answers, advantage, old)
optimizer.update(model, grads)
mx.eval(model.parameters())
used = Counter(token for row in answers for token in row)
print(loss.item(), used.most_common(1)[0][1])
