import mlx.core as mx
from mlx_lm.generate import generate_step
from mlx_lm.models import llama
from mlx_lm.models.cache import make_prompt_cache, trim_prompt_cache
from mlx_lm.sample_utils import make_sampler

CONFIG = llama.ModelArgs(
    model_type="llama",
    hidden_size=32,
    num_hidden_layers=2,
    intermediate_size=64,
    num_attention_heads=4,
    num_key_value_heads=2,
    rms_norm_eps=1e-5,
    vocab_size=100,
)


class Session:
    def __init__(self, model, temperature=0.7):
        self.model = model
        self.cache = make_prompt_cache(model)
        self.sampler = make_sampler(temperature=temperature, top_p=0.9)

    def rewind(self, keep):
        extra = self.cache[0].step - keep
        trim_prompt_cache(self.cache, extra)

    def ask(self, ids, limit=8):
        prompt = mx.array(ids)[None]
        answer = []
        for token, _ in generate_step(
            prompt, self.model, max_tokens=limit, sampler=self.sampler, prompt_cache=self.cache
        ):
            answer.append(token)
        return answer


mx.random.seed(3)
chat = Session(llama.Model(CONFIG))
system = [1, 5, 9, 12, 40]
print(chat.ask(system + [7, 8]))
chat.rewind(len(system))
print(chat.ask([11, 3]))
