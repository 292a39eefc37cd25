from dataclasses import dataclass

import mlx.core as mx


@dataclass
class Config:
    step: float = 0.05
    width: float = 1.0


beta = 0.1


@mx.compile
def log_density(x):
    return -beta * ((x**2 - 1) ** 2).sum(axis=-1)


@mx.compile
def move(x, noise, config):
    return x + config.step * noise / config.width


config = Config()
mx.random.seed(0)
x = mx.random.normal((6, 2))
print("cold", round(log_density(x).sum().item(), 4))
beta = 10.0
print("hot", round(log_density(x).sum().item(), 4))
noise = mx.random.normal(x.shape)
moved = move(x, noise, config)
print(moved.shape)
