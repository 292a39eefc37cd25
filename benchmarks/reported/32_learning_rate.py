import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

model = nn.Linear(4, 1)
schedule = optim.cosine_decay(1e-3, 1000)
warmup = optim.linear_schedule(0.0, 1e-3, steps=100)
both = optim.join_schedules([warmup, schedule], [100])
optimizer = optim.AdamW(learning_rate=both, weight_decay=0.01)
other = optim.Adam(lr=1e-3)
third = optim.Adam(learning_rate=1e-3, weight_decay=0.01)
grads = nn.value_and_grad(model, lambda m, x: m(x).sum())(model, mx.ones((2, 4)))[1]
grads, norm = optim.clip_grad_norm(grads, max_norm=1.0)
optimizer.update(model, grads)
schedule.step()
optimizer.param_groups[0]["lr"] = 1e-4
mx.eval(model.parameters(), optimizer.state)
print(optimizer.learning_rate, norm, other.learning_rate, third.learning_rate)
