import mlx.core as mx


class PCA:
    def __init__(self, components):
        self.components = components

    def fit(self, x):
        self.mean = x.mean(axis=0)
        u, s, v = mx.linalg.svd(x - self.mean, stream=mx.cpu)
        self.basis = v[: self.components]
        self.variance = s[: self.components] ** 2 / (x.shape[0] - 1)
        return self

    def transform(self, x):
        return (x - self.mean) @ self.basis.T

    def inverse(self, z):
        return z @ self.basis + self.mean


mx.random.seed(0)
mix = mx.random.normal((3, 12))
x = mx.random.normal((6000, 3)) @ mix + 0.01 * mx.random.normal((6000, 12))
pca = PCA(3).fit(x)
error = mx.abs(pca.inverse(pca.transform(x)) - x).max()
print("error", error.item() < 0.1)
print("memory", mx.get_peak_memory() < 50_000_000)

counts = mx.array([[4, 1], [2, 3]])
weights = mx.linalg.solve(counts, mx.array([1, 2]), stream=mx.cpu)
print("weights", [round(w, 2) for w in weights.tolist()])
