import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


class QNet(nn.Module):
    def __init__(self, obs=4, actions=2):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(obs, 32), nn.ReLU(), nn.Linear(32, actions))

    def __call__(self, x):
        return self.net(x)


class Agent:
    def __init__(self, gamma=0.99):
        self.online = QNet()
        self.target = QNet()
        self.target.update(self.online.parameters())
        self.optimizer = optim.Adam(learning_rate=5e-3)
        self.gamma = gamma
        self.grad_fn = nn.value_and_grad(self.online, self.loss)

    def loss(self, model, obs, actions, target):
        chosen = mx.take(model(obs), actions, axis=1)
        return nn.losses.huber_loss(chosen, target, reduction="mean")

    def learn(self, obs, actions, rewards, following, done):
        best = self.target(following).max(axis=1)[0]
        target = mx.stop_gradient(rewards + self.gamma * best * (1 - done))
        loss, grads = self.grad_fn(self.online, obs, actions, target)
        self.optimizer.update(self.online.parameters(), grads)
        mx.eval(self.online.parameters(), self.optimizer.state)
        return loss.item()


rng = np.random.default_rng(0)
mx.random.seed(0)
agent = Agent()
obs = mx.array(rng.normal(size=(32, 4)).astype(np.float32))
actions = mx.array(rng.integers(0, 2, 32))
rewards, done = mx.array(rng.normal(size=32).astype(np.float32)), mx.zeros(32)
losses = [agent.learn(obs, actions, rewards, obs[::-1], done) for _ in range(60)]
print(losses[0], losses[-1])
