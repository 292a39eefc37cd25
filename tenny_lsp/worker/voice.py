"""Load a base model, swap its adapters and answer requests with it.

Everything here runs in one thread, for MLX's streams belong to threads. Call ``tenny_lsp.model.runtime.prepare``
before importing this module, which imports MLX.
"""

import contextlib
from collections.abc import Callable, Generator
from itertools import islice
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm import load, stream_generate
from mlx_lm.sample_utils import make_sampler
from mlx_lm.utils import dequantize_model, load_adapters

from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.model import wire
from tenny_lsp.model.adapter_files import WEIGHTS_FILE
from tenny_lsp.model.base_config import supplement
from tenny_lsp.model.identity import adapter_fingerprint, base_fingerprint, check_card, refuse_code
from tenny_lsp.model.prompt_format import chat_text
from tenny_lsp.worker.greedy import CHUNK_TOKENS, greedy_tokens
from tenny_lsp.worker.plain_llama import is_plain_llama, transpose_weights
from tenny_lsp.worker.sampling import completions
from tenny_lsp.worker.scoring import Scorer, compared
from tenny_lsp.worker.stopping import StopFilter
from tenny_lsp.worker.threads import blas_threads

#: A model of fewer weights has matrices that are too small for several threads.
_SMALL_WEIGHTS = 100_000_000
#: The number of adapters, and of scorers, that are cached.
_CACHE_SIZE = 3
#: What mlx-lm raises for a broken folder.
_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


class Cancelled(Exception):
    """The request that is being answered was cancelled."""


class Voice:
    """A base model that answers with any of its adapters. Use it in the thread that made it only.

    Args:
        base (Path): The base model's folder.
        dtype (str | None): What to convert the weights to, as ``float32``. ``None``: leave them as they are.

    Raises:
        BaseModelError: The base is incomplete or cannot be loaded.
    """

    def __init__(self, base: Path, dtype: str | None) -> None:
        self._folder = base
        base_fingerprint(base)  # raises what is missing
        # A model's folder may hold code of its own, an architecture or a tokenizer: it is never run.
        refuse_code(base)
        try:
            self._model, self._tokenizer = load(
                str(base), tokenizer_config={"trust_remote_code": False}, model_config=supplement(base)
            )
        except _LOAD_ERRORS as error:
            raise BaseModelError(
                f"The base model {base} cannot be loaded: {error}",
                "Choose another base, or fetch or convert this one again.",
            ) from error
        self._dtype = dtype
        self._prepare_weights()
        # What an adapter replaces: the modules that LoRA wraps, or all weights in a full fine-tuning.
        self._base_modules = self._model.leaf_modules()
        self._base_weights = tree_flatten(self._model.parameters())
        self._active: tuple[str, str] | None = None
        self._threads = blas_threads()
        self._is_small = _weight_count(self._model) < _SMALL_WEIGHTS
        if self._is_small:
            self._threads.use_one()
        self._adapter_cache: dict[tuple[str, str], dict[str, Any]] = {}
        self._scorers: dict[tuple[str, str] | None, Scorer] = {}

    def swap_adapter(self, adapter: str | None) -> None:
        """Make an adapter the active one; ``None``: none. One whose files have changed is loaded again.

        Raises:
            AdapterError: The adapter is incomplete or does not fit. No adapter is active then.
        """
        wanted = (adapter, adapter_fingerprint(Path(adapter))) if adapter else None
        if wanted == self._active:
            return
        self._restore_base()
        if not wanted:
            return
        check_card(Path(wanted[0]), self._folder)
        if modules := self._adapter_cache.get(wanted):
            self._model.update_modules(modules)
            self._active = wanted
            return
        try:
            load_adapters(self._model, wanted[0])
            self._prepare_weights()
            self._refuse_broken_numbers()
            mx.eval(self._model(mx.array([[0]])))  # older releases of mlx-lm take shapes that do not fit
        except _LOAD_ERRORS as error:
            self._restore_base()
            raise AdapterError(
                f"The adapter {adapter} cannot be loaded: {error}",
                "Train it again on this base, or choose another adapter.",
            ) from error
        self._active = wanted
        self._cache_adapter(wanted)

    def answer(
        self, request: wire.Generate, is_cancelled: Callable[[], bool], send: Callable[[wire.Event], None]
    ) -> wire.Done:
        """Send the pieces of an answer as they are generated; return its last event.

        Raises:
            AdapterError: The request's adapter cannot be used.
        """
        reason = "cancelled"

        def send_text(text: str) -> None:
            if text:
                send(wire.Token(request.id, text))

        with contextlib.suppress(Cancelled):
            self.swap_adapter(request.adapter)
            stop_filter = StopFilter(request.stop)
            with contextlib.closing(self._responses(request, is_cancelled)) as responses:
                for text, finish_reason in responses:
                    # The limit may cut a character in two: its first bytes come as U+FFFD, at the very end.
                    send_text(stop_filter.feed(text.rstrip("\ufffd") if finish_reason else text))
                    if stop_filter.stopped:
                        break
                reason = "stop" if stop_filter.stopped else finish_reason or "stop"
            send_text(stop_filter.finish())
        return wire.Done(request.id, reason)

    def score(self, request: wire.Score, is_cancelled: Callable[[], bool]) -> wire.Event:
        """Return the names' log-probabilities, or that the request was cancelled.

        Raises:
            AdapterError: The request's adapter cannot be used.
            ValueError: This architecture cannot score.
        """

        def values() -> list[float]:
            scorer = self._scorer(request.adapter)
            return scorer.log_probabilities(request.text, request.names, self._check(is_cancelled))

        return _scored(request, values)

    def choose(self, request: wire.Choose, is_cancelled: Callable[[], bool]) -> wire.Event:
        """Return the answers' log-probabilities, or that the request was cancelled.

        Raises:
            AdapterError: The request's adapter cannot be used.
            ValueError: This architecture cannot score, or has no chat template.
        """

        def values() -> list[float]:
            scorer, prompt = self._scorer(request.adapter), self._prompt(request.prompt, request.is_chat)
            answers = [self._answer(text, request.is_chat) for text in request.answers]
            return scorer.answer_log_probabilities(prompt, answers, self._check(is_cancelled))

        return _scored(request, values)

    def compare(self, request: wire.Compare, is_cancelled: Callable[[], bool]) -> wire.Event:
        """Return the answer's log-probability after each prompt, or that the request was cancelled.

        Raises:
            AdapterError: The request's adapter cannot be used.
            ValueError: The base has no chat template.
        """

        def values() -> list[float]:
            self.swap_adapter(request.adapter)
            prompts = [self._prompt(prompt, request.is_chat) for prompt in request.prompts]
            answer = self._answer(request.answer, request.is_chat)
            return compared(self._model, prompts, answer, self._check(is_cancelled))

        return _scored(request, values)

    def sample(
        self, request: wire.Sample, is_cancelled: Callable[[], bool], send: Callable[[wire.Event], None]
    ) -> wire.Done:
        """Send several completions of one prompt, each when it is complete; return the last event.

        Raises:
            AdapterError: The request's adapter cannot be used.
        """
        reason = "cancelled"
        with contextlib.suppress(Cancelled):
            self.swap_adapter(request.adapter)
            prompt = self._prompt(request.prompt, request.is_chat)
            for sampled in completions(self._model, self._tokenizer, prompt, request, self._check(is_cancelled)):
                send(sampled)
            reason = "stop"
        return wire.Done(request.id, reason)

    def _responses(
        self, request: wire.Generate, is_cancelled: Callable[[], bool]
    ) -> Generator[tuple[str, str | None], None, None]:
        """Yield the pieces of an answer's text, and with the last why it is the last."""
        check, prompt = self._check(is_cancelled), self._prompt(request.prompt, request.is_chat)
        # MLX-LM's own loop computes one step ahead, which is of use to a GPU only.
        if self._dtype and not request.temperature and prompt:
            yield from self._greedy(prompt, request.max_tokens, check)
            return
        mx.random.seed(request.seed)
        for response in stream_generate(
            self._model,
            self._tokenizer,
            prompt,
            max_tokens=request.max_tokens,
            sampler=make_sampler(temp=request.temperature, top_p=request.top_p),
            prefill_step_size=CHUNK_TOKENS,
            prompt_progress_callback=check,
        ):
            check()
            yield response.text, response.finish_reason

    def _greedy(
        self, prompt: list[int], max_tokens: int, check: Callable[[], None]
    ) -> Generator[tuple[str, str | None], None, None]:
        detokenizer = self._tokenizer.detokenizer
        finish_reason = "length"
        for token in islice(greedy_tokens(self._model, prompt, check), max_tokens):
            if token in self._tokenizer.eos_token_ids:
                finish_reason = "stop"
                break
            detokenizer.add_token(token)
            yield detokenizer.last_segment, None
        detokenizer.finalize()
        yield detokenizer.last_segment, finish_reason

    def _check(self, is_cancelled: Callable[[], bool]) -> Callable[..., None]:
        """Return what is called between pieces of work, with whatever arguments: it raises once they are cancelled."""

        def check(*_progress: int) -> None:
            if is_cancelled():
                raise Cancelled
            if not self._is_small:
                self._threads.adapt()

        check()
        return check

    def _prompt(self, text: str, is_chat: bool) -> list[int]:
        """Return the tokens of a prompt."""
        if is_chat:
            return list(self._tokenizer.encode(chat_text(self._tokenizer, text), add_special_tokens=False))
        return list(self._tokenizer.encode(text))

    def _answer(self, text: str, is_chat: bool) -> list[int]:
        """Return the tokens of a whole answer as it is trained: apart from its prompt, and with its end.

        In a conversation no space stands before it.
        """
        said = text.strip() if is_chat else text
        return [*self._tokenizer.encode(said, add_special_tokens=False), self._tokenizer.eos_token_id]

    def _scorer(self, adapter: str | None) -> Scorer:
        """Return the scorer that reads with an adapter; each keeps a cache of its own."""
        self.swap_adapter(adapter)
        scorer = self._scorers.pop(self._active, None) or Scorer(self._model, self._tokenizer)
        self._scorers = {**dict(list(self._scorers.items())[1 - _CACHE_SIZE :]), self._active: scorer}
        return scorer

    def _prepare_weights(self) -> None:
        if self._dtype:
            self._model.set_dtype(getattr(mx, self._dtype))
            dequantize_model(self._model)  # OpenBLAS multiplies float32 five times as fast as MLX's packed products
        self._model.eval()
        mx.eval(self._model.parameters())
        if _weight_count(self._model) >= _SMALL_WEIGHTS and is_plain_llama(self._model):
            transpose_weights(self._model)

    def _cache_adapter(self, adapter: tuple[str, str]) -> None:
        """Cache the modules of the active adapter if it is LoRA: swapping it in again then takes a millisecond."""
        weights: dict[str, mx.array] = mx.load(str(Path(adapter[0]) / WEIGHTS_FILE))  # type: ignore[assignment]
        if all(".lora_" in name for name in weights):
            modules = [(name, module) for name, module in self._model.named_modules() if "lora_a" in module]
            newest = list(self._adapter_cache.items())[1 - _CACHE_SIZE :]
            self._adapter_cache = {**dict(newest), adapter: tree_unflatten(modules)}

    def _restore_base(self) -> None:
        self._model.update_modules(self._base_modules)
        self._model.load_weights(self._base_weights)
        self._active = None

    def _refuse_broken_numbers(self) -> None:
        weights: dict[str, mx.array] = dict(tree_flatten(self._model.parameters()))
        for name, array in weights.items():
            if "lora" in name and not mx.isfinite(array).all().item():
                raise ValueError(f"{name} holds numbers that are not finite")


def _weight_count(model: Any) -> int:
    weights: dict[str, mx.array] = dict(tree_flatten(model.parameters()))
    return sum(array.size for array in weights.values())


def _scored(request: wire.Score | wire.Choose | wire.Compare, values: Callable[[], list[float]]) -> wire.Event:
    """Return log-probabilities as the last event of a request, or that it was cancelled."""
    try:
        return wire.ScoreResult(request.id, tuple(values()))
    except Cancelled:
        return wire.Done(request.id, "cancelled")
