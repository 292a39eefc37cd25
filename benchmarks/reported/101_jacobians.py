import mlx.core as mx


def kinetics(state, rates):
    a, b, c = state[0], state[1], state[2]
    forward, backward = rates[0] * a * b, rates[1] * c
    return mx.stack([backward - forward, backward - forward, forward - backward])


def jacobian(fn, state, rates):
    rows = []
    for i in range(state.size):
        basis = mx.zeros(state.shape)
        basis[i] = 1.0
        _, tangents = mx.jvp(lambda s: fn(s, rates), [state], [basis])
        rows.append(tangents[0])
    return mx.stack(rows, axis=1)


def euler(state, rates, dt, steps):
    for _ in range(steps):
        state = state + dt * kinetics(state, rates)
    return state


rates = mx.array([0.5, 0.1])
state = mx.array([1.0, 2.0, 0.1])
exact = mx.jacfwd(kinetics)(state, rates)
print(mx.abs(exact).sum().item())
starts = mx.stack([state * f for f in (0.5, 1.0, 1.5, 2.0)])
ends = mx.vmap(euler)(starts, rates, 0.01, 20)
print(ends.shape, round(ends.sum().item(), 4))
sensitivity = mx.grad(lambda s, r: euler(s, r, 0.01, 20)[2], argnums=1)(state, rates)
print(sensitivity.tolist())
