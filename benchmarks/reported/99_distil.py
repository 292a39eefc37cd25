import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Student(nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.l1 = nn.Linear(width, 32)
        self.l2 = nn.Linear(32, classes)

    def __call__(self, x):
        return self.l2(nn.relu(self.l1(x)))


def distil_loss(logits, teacher, temperature=2.0):
    log_p = nn.log_softmax(logits / temperature, axis=-1)
    q = mx.softmax(teacher / temperature, axis=-1)
    return nn.losses.kl_div_loss(log_p, q, reduction="mean")


def loss_fn(model, x, teacher, y, weights):
    logits = model(x)
    hard = nn.losses.cross_entropy(logits, y, weights=weights, reduction="mean")
    return 0.5 * hard + 0.5 * distil_loss(logits, teacher)


mx.random.seed(0)
x = mx.random.normal((40, 6))
teacher = mx.random.normal((40, 3))
y = teacher.argmax(axis=-1)
print("itself", round(distil_loss(teacher, teacher).item(), 4))
model, optimizer = Student(6, 3), optim.AdamW(learning_rate=1e-2)
step = nn.value_and_grad(model, loss_fn)
for _ in range(5):
    loss, grads = step(model, x, teacher, y, mx.array([1.0, 2.0, 0.5]))
    optimizer.update(model, grads)
    mx.eval(model.parameters(), optimizer.state)
print("loss", round(loss.item(), 4))
