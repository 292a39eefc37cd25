"""Losses and returns of a small policy-gradient agent."""

import mlx.core as mx
import mlx.nn as nn


class Policy(nn.Module):
    def __init__(self, obs: int, actions: int):
        super().__init__()
        self.hidden = nn.Linear(obs, 32)
        self.logits = nn.Linear(32, actions)

    def __call__(self, x):
        return self.logits(mx.tanh(self.hidden(x)))


def log_probs_of(policy, obs, actions):
    logits = policy(obs)
    logp = logits - mx.logsumexp(logits, axis=-1, keepdims=True)
    return mx.take_along_axis(logp, actions[:, None], axis=-1).squeeze(-1)


def policy_loss(policy, obs, actions, advantages, old_logp, beta=0.1):
    """Clipped surrogate plus a penalty on the distance to the old policy."""
    logp = log_probs_of(policy, obs, actions)
    ratio = mx.exp(logp - old_logp)
    surrogate = mx.minimum(ratio * advantages, mx.clip(ratio, 0.8, 1.2) * advantages)
    divergence = mx.mean(mx.square(logp - old_logp)).item()
    return -surrogate.mean() + beta * divergence


def entropy(probs: mx.array) -> mx.array:
    """Entropy of rows of probabilities, some of which may be exactly zero."""
    plogp = mx.where(probs > 0, probs * mx.log(probs), 0.0)
    return -plogp.sum(axis=-1).mean()


def td_errors(rewards: mx.array, values: mx.array, gamma: float = 0.99) -> mx.array:
    """One-step temporal differences; the value after the last step is zero."""
    steps = mx.arange(rewards.shape[0])
    following = values[steps + 1]
    return rewards + gamma * following - values
