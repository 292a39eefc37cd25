"""A chat session on top of mlx-lm."""

from mlx_lm import generate, stream_generate
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.sample_utils import make_sampler


def answer(model, tokenizer, question: str, temperature: float = 0.7) -> str:
    """Answer a single question."""
    messages = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(messages)
    sampler = make_sampler(temp=temperature)
    return generate(model, tokenizer, prompt, max_tokens=64, sampler=sampler)


def complete(model, tokenizer, text: str, temperature: float = 0.7) -> str:
    """Continue a piece of raw text."""
    return generate(model, tokenizer, text, max_tokens=32, temp=temperature)


class ChatSession:
    """Keeps the key/value cache between the turns of a conversation."""

    def __init__(self, model, tokenizer):
        self.model = model
        self.tokenizer = tokenizer
        self.cache = make_prompt_cache(model)
        self.turns = 0

    def say(self, text: str, max_tokens: int = 64) -> str:
        """Send the new message only; the cache holds the earlier turns."""
        prompt = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": text}], add_generation_prompt=True
        )
        self.turns += 1
        reply = ""
        for chunk in stream_generate(
            self.model,
            self.tokenizer,
            prompt,
            max_tokens=max_tokens,
            prompt_cache=self.cache,
        ):
            reply += chunk
        return reply
