import mlx.core as mx


def box_mask(height, width, box):
    top, left, bottom, right = box
    rows, cols = mx.arange(height)[:, None], mx.arange(width)[None, :]
    inside = (rows >= top) * (rows < bottom) * (cols >= left) * (cols < right)
    return inside.astype(mx.int32)


def blend(image, paint, mask):
    return mx.where(mask[..., None], paint, image)


def erase(image, mask):
    return mx.where((~mask)[..., None], image, 0.0)


def for_each(features, times):
    return mx.repeat(features, times, axis=0)


mx.random.seed(0)
image = mx.random.uniform(shape=(12, 16, 3))
mask = box_mask(12, 16, (2, 4, 6, 10))
print("painted", blend(image, mx.ones((3,)), mask).sum().item() > image.sum().item())
print("erased", (erase(image, mask) == 0).sum().item() >= 72)
prompts = mx.array([[1.0, 2.0], [3.0, 4.0]])
batch = for_each(prompts, 2)
print(batch.shape)
doubled = mx.concatenate([image, image])
copies = mx.repeat(image[None], 4)
print("copies", copies.shape, doubled.shape)
