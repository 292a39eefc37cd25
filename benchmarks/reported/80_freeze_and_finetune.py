import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
for p in model.layers[0].parameters():
    p.requires_grad = False
model.layers[2].unfreeze()
optimizer = optim.AdamW(learning_rate=1e-2, betas=[0.9, 0.95], eps=1e-8, weight_decay=0.01)
x = mx.random.normal((16, 8))
y = x.mean(axis=1)


def loss_fn(model, x, y):
    return nn.losses.mse_loss(model(x), y)


for epoch in range(3):
    loss, grads = nn.value_and_grad(model, loss_fn)(model, x, y)
    optimizer.zero_grad()
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
    optimizer.learning_rate = 1e-2 * 0.9**epoch
model.eval()
weights = model.state_dict()
print(loss.item(), len(weights))
