"""The GPT of gpt_mlx.py in PyTorch: the same lines, as far as the libraries have the same functions."""

from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Config:
    vocab_size: int
    block_size: int
    n_layer: int
    n_head: int
    n_embd: int


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.n_head = config.n_head
        self.qkv = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.out = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x):
        B, T, C = x.shape
        qkv = self.qkv(x)
        q, k, v = qkv.chunk(3, dim=-1)
        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
        scale = (C // self.n_head) ** -0.5
        scores = (q * scale) @ k.transpose(2, 3)
        mask = torch.triu(torch.full((T, T), -1e9), diagonal=1)
        scores = scores + mask
        weights = torch.softmax(scores, dim=-1)
        y = weights @ v
        y = y.transpose(1, 2).reshape(B, T, C)
        y = self.out(y)
        return y


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up = nn.Linear(config.n_embd, 4 * config.n_embd)
        self.down = nn.Linear(4 * config.n_embd, config.n_embd)

    def forward(self, x):
        h = self.up(x)
        h = F.gelu(h)
        y = self.down(h)
        return y


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd)
        self.mlp = MLP(config)

    def forward(self, x):
        a = self.ln_1(x)
        x = x + self.attn(a)
        m = self.ln_2(x)
        x = x + self.mlp(m)
        return x


class GPT(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.blocks = nn.ModuleList([Block(config) for _ in range(config.n_layer)])
        self.ln_f = nn.LayerNorm(config.n_embd)
        self.head = nn.Linear(config.n_embd, config.vocab_size, bias=False)

    def forward(self, tokens):
        B, T = tokens.shape
        positions = torch.arange(T)
        tok = self.wte(tokens)
        pos = self.wpe(positions)
        x = tok + pos
        for block in self.blocks:
            x = block(x)
        x = self.ln_f(x)
        logits = self.head(x)
        return logits


def loss_fn(model, tokens, targets):
    logits = model(tokens)
    B, T, V = logits.shape
    flat = logits.reshape(B * T, V)
    wanted = targets.reshape(B * T)
    losses = F.cross_entropy(flat, wanted, reduction="none")
    loss = losses.mean()
    return loss


def generate(model, tokens, steps, temperature):
    for _ in range(steps):
        logits = model(tokens)
        last = logits[:, -1, :]
        scaled = last / temperature
        weights = torch.softmax(scaled, dim=-1)
        chosen = torch.multinomial(weights, 1)
        tokens = torch.cat([tokens, chosen], dim=1)
    return tokens


def main():
    config = Config(97, 24, 2, 4, 32)
    model = GPT(config)
    tokens = torch.randint(0, config.vocab_size, (3, 16))
    inputs = tokens[:, :-1]
    targets = tokens[:, 1:]
    loss = loss_fn(model, inputs, targets)
    prompt = tokens[:, :4]
    text = generate(model, prompt, 5, 0.8)
    return loss, text


if __name__ == "__main__":
    main()
