"""Batched simulation and fitting of damped springs with function transforms."""

import mlx.core as mx


def energy(state: mx.array, stiffness: mx.array) -> mx.array:
    """Energy of a (position, velocity) state; stiffness is a (2,) weighting."""
    return 0.5 * (stiffness * mx.square(state)).sum()


def batch_energy(states: mx.array, stiffness: mx.array) -> mx.array:
    """Energies of (N, 2) states that share one stiffness."""
    return mx.vmap(energy)(states, stiffness)


def jittered_energies(states: mx.array, stiffness: mx.array, noise: float) -> mx.array:
    """Energies of independently disturbed states."""

    def disturbed(state):
        return energy(state + noise * mx.random.normal(state.shape), stiffness)

    return mx.vmap(disturbed)(states)


def simulate(start: mx.array, params: mx.array, steps: int, dt: float = 0.05):
    """Semi-implicit Euler; params holds stiffness and damping."""
    position, velocity = start[0], start[1]
    path = []
    for _ in range(steps):
        velocity = velocity - dt * (params[0] * position + params[1] * velocity)
        position = position + dt * velocity
        path.append(position)
    return mx.stack(path)


def path_loss(start: mx.array, params: mx.array, observed: mx.array) -> mx.array:
    return mx.square(simulate(start, params, observed.shape[0]) - observed).mean()


def fit(start, params, observed, rounds: int = 200, rate: float = 0.5):
    """Fit stiffness and damping to an observed path by gradient descent."""
    loss_and_grad = mx.value_and_grad(path_loss)
    for _ in range(rounds):
        loss, grad = loss_and_grad(start, params, observed)
        params = params - rate * grad
        mx.eval(params, loss)
    return params, loss.item()
