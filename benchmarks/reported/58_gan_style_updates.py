import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

generator = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
g_opt, c_opt = optim.Adam(learning_rate=1e-4, betas=[0.5, 0.9]), optim.RMSprop(learning_rate=1e-4)
mx.eval(generator.parameters(), critic.parameters())


def critic_loss(critic, real, fake):
    return critic(fake).mean() - critic(real).mean()


def generator_loss(generator, noise):
    return -critic(generator(noise)).mean()


for step in range(3):
    real, noise = mx.random.normal((32, 2)), mx.random.normal((32, 4))
    fake = mx.stop_gradient(generator(noise))
    c_loss, c_grads = nn.value_and_grad(critic, critic_loss)(critic, real, fake)
    c_opt.update(critic, c_grads)
    g_loss, g_grads = nn.value_and_grad(generator, generator_loss)(generator, noise)
    g_opt.update(generator, g_grads)
    mx.eval(generator.state, critic.state, g_opt.state, c_opt.state)
    print(f"{step}: {c_loss.item():.4f} {g_loss.item():.4f}")
