import mlx.core as mx

group = mx.distributed.init()
loss = mx.array(1.0 + group.rank())
everyone = mx.distributed.all_gather(loss[None])
total = mx.distributed.all_sum(loss)
mx.eval(everyone, total)
if group.rank() == 0:
    print("sum", total.item(), "of", everyone.shape[0])
    mean = mx.distributed.all_sum(loss) / group.size()
    print("mean", mean.item())
print("done", group.rank())
