import mlx.core as mx

n = 16
grid = mx.zeros((n, n))
grid[0] = 100.0
inner = grid[1:-1, 1:-1]
for step in range(50):
    inner[:] = (grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:]) / 4
    if step % 10 == 0:
        mx.eval(grid)
print(grid[1].mean())

before = grid
grid += 1.0
print((grid - before).max())

other = mx.zeros((n, n))
other[1:-1, 1:-1] = grid[1:-1, 1:-1]
edge = grid[0]
print(other.sum(), edge.sum())
