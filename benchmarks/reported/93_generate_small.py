import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.models.llama import Model, ModelArgs
from mlx_lm.sample_utils import make_sampler

args = ModelArgs(
    model_type="llama",
    hidden_size=32,
    num_hidden_layers=2,
    intermediate_size=64,
    num_attention_heads=4,
    rms_norm_eps=1e-5,
    vocab_size=97,
)
mx.random.seed(0)
model = Model(args)
mx.eval(model.parameters())


def complete(prompt, cache, count=5):
    tokens = []
    for token, _ in generate_step(mx.array(prompt), model, max_tokens=count, prompt_cache=cache):
        tokens.append(token)
    return tokens


questions = [[5, 17, 40, 2], [8, 8, 61], [90, 3, 12, 44, 7]]
cache = make_prompt_cache(model)
for question in questions:
    print(complete(question, cache))

sampler = make_sampler(temp=0.8, top_p=0.9)
for token, logprobs in generate_step(mx.array([1, 2, 3]), model, max_tokens=3, sampler=sampler):
    print(token, logprobs.shape)
for token, _ in generate_step(mx.array([1, 2, 3]), model, max_tokens=3, temp=0.8):
    print(token)
for token, _ in generate_step([1, 2, 3], model, max_tokens=2):
    print(token)
