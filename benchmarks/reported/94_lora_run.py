import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten
from mlx_lm.models.llama import Model, ModelArgs
from mlx_lm.tuner.utils import linear_to_lora_layers


def build():
    args = ModelArgs(
        model_type="llama",
        hidden_size=32,
        num_hidden_layers=3,
        intermediate_size=64,
        num_attention_heads=4,
        rms_norm_eps=1e-5,
        vocab_size=50,
    )
    return Model(args)


def loss_fn(model, tokens):
    logits = model(tokens[:, :-1])
    return nn.losses.cross_entropy(logits, tokens[:, 1:], reduction="mean")


mx.random.seed(1)
model = build()
linear_to_lora_layers(model, 2, {"rank": 4, "scale": 20.0})
model.freeze()
print("trainable", sum(v.size for _, v in tree_flatten(model.trainable_parameters())))
tokens = mx.random.randint(0, 50, (4, 12))
optimizer = optim.Adam(learning_rate=1e-2)
value_and_grad = nn.value_and_grad(model, loss_fn)
for _ in range(4):
    loss, grads = value_and_grad(model, tokens)
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state, loss)
names = [name for name, _ in tree_flatten(model.trainable_parameters()) if "lora" in name]
print(len(names), loss.item() < 5)
total = sum(p.size for p in model.parameters())
print("total", total)
