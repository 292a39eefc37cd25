"""The model itself: a base that speaks through any of its adapters.

Everything here happens in one thread, for MLX's streams belong to threads, and only after
``tenny_lsp.model.runtime.prepare``, for this module imports MLX.
"""

import contextlib
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten
from mlx_lm import load, stream_generate
from mlx_lm.generate import GenerationResponse
from mlx_lm.sample_utils import make_sampler
from mlx_lm.utils import load_adapters

from tenny_lsp.errors import AdapterError, BaseModelError
from tenny_lsp.model import wire
from tenny_lsp.model.adapter_files import WEIGHTS_FILE
from tenny_lsp.model.identity import adapter_fingerprint, base_fingerprint, check_card, refuse_code
from tenny_lsp.worker.sampling import completions
from tenny_lsp.worker.scoring import Scorer
from tenny_lsp.worker.stopping import StopFilter
from tenny_lsp.worker.threads import on_one_thread

#: Prefill can be cancelled only between chunks of so many tokens.
PREFILL_CHUNK_TOKENS = 128

#: Matrices of a model of fewer weights are too small to share them out among threads.
_SMALL_WEIGHTS = 100_000_000
#: So many adapters' modules, and readings, are kept.
_MOST_KEPT = 3
#: How mlx-lm says that a folder is not what it should be.
_LOAD_ERRORS = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


class Cancelled(Exception):
    """The request that is being answered was cancelled."""


class Voice:
    """A base model that can speak through any of its adapters; lives in the thread that made it.

    Args:
        base (Path): The base model's folder.
        dtype (str | None): What to convert the weights to, as ``float32``. ``None``: leave them as they are.

    Raises:
        BaseModelError: The base is incomplete or cannot be loaded.
    """

    def __init__(self, base: Path, dtype: str | None) -> None:
        #: The base's fingerprint.
        self.base = base_fingerprint(base)
        self._folder = base
        # A model's folder may hold code of its own, an architecture or a tokenizer: it is never run.
        refuse_code(base)
        try:
            self._model, self._tokenizer = load(str(base), tokenizer_config={"trust_remote_code": False})
        except _LOAD_ERRORS as error:
            raise BaseModelError(
                f"The base model {base} cannot be loaded: {error}",
                "Choose another base, or fetch or convert this one again.",
            ) from error
        self._dtype = dtype
        self._settle()
        # What an adapter replaces: the modules that LoRA wraps, and all weights in a full fine-tuning.
        self._bare_modules = self._model.leaf_modules()
        self._bare_weights = tree_flatten(self._model.parameters())
        self._worn: tuple[str, str] | None = None
        weights: dict[str, mx.array] = dict(self._bare_weights)
        self._is_small = sum(array.size for array in weights.values()) < _SMALL_WEIGHTS
        self._wardrobe: dict[tuple[str, str], dict[str, Any]] = {}
        self._scorers: dict[tuple[str, str] | None, Scorer] = {}

    def wear(self, adapter: str | None) -> None:
        """Puts an adapter on the base, having taken off the one before; one that has changed is read anew.

        Raises:
            AdapterError: The adapter is incomplete or does not fit. The base is bare then.
        """
        wanted = (adapter, adapter_fingerprint(Path(adapter))) if adapter else None
        if wanted == self._worn:
            return
        self._take_off()
        if not wanted:
            return
        check_card(Path(wanted[0]), self._folder)
        if kept := self._wardrobe.get(wanted):
            self._model.update_modules(kept)
            self._worn = wanted
            return
        try:
            load_adapters(self._model, wanted[0])
            self._settle()
            self._refuse_broken_numbers()
            mx.eval(self._model(mx.array([[0]])))  # older releases of mlx-lm take shapes that do not fit
        except _LOAD_ERRORS as error:
            self._take_off()
            raise AdapterError(
                f"The adapter {adapter} cannot be loaded: {error}",
                "Train it again on this base, or choose another adapter.",
            ) from error
        self._worn = wanted
        self._keep(wanted)

    def answer(
        self, request: wire.Generate, is_cancelled: Callable[[], bool], send: Callable[[wire.Event], None]
    ) -> wire.Done:
        """Sends the pieces of an answer as they come and returns its end.

        Raises:
            AdapterError: The request's adapter cannot be used.
        """
        start_s = time.monotonic()
        tokens, reason = 0, "cancelled"

        def say(text: str) -> None:
            if text:
                send(wire.Token(request.id, text))

        with contextlib.suppress(Cancelled), self._threads():
            self.wear(request.adapter)
            heard = StopFilter(request.stop)
            with contextlib.closing(self._responses(request, is_cancelled)) as responses:
                for response in responses:
                    tokens = response.generation_tokens
                    # The limit may cut a character in two: its first bytes come as U+FFFD, at the very end.
                    last = response.finish_reason is not None
                    say(heard.feed(response.text.rstrip("\ufffd") if last else response.text))
                    if heard.stopped:
                        break
                reason = "stop" if heard.stopped else response.finish_reason
            say(heard.finish())
        return wire.Done(request.id, tokens, time.monotonic() - start_s, reason)

    def score(self, request: wire.Score, is_cancelled: Callable[[], bool]) -> wire.Event:
        """Returns how likely the request's names are, or that it was cancelled.

        Raises:
            AdapterError: The request's adapter cannot be used.
            ValueError: This architecture cannot score.
        """
        start_s = time.monotonic()

        def check() -> None:
            if is_cancelled():
                raise Cancelled

        try:
            self.wear(request.adapter)
            scorer = self._scorers.pop(self._worn, None) or Scorer(self._model, self._tokenizer)
            self._scorers = {**dict(list(self._scorers.items())[1 - _MOST_KEPT :]), self._worn: scorer}
            with self._threads():
                values = scorer.log_probabilities(request.text, request.names, check)
        except Cancelled:
            return wire.Done(request.id, 0, time.monotonic() - start_s, "cancelled")
        return wire.Scores(request.id, tuple(values), time.monotonic() - start_s)

    def draw(
        self, request: wire.Sample, is_cancelled: Callable[[], bool], send: Callable[[wire.Event], None]
    ) -> wire.Done:
        """Sends several completions of one prompt, each when it has ended, and returns the end of all.

        Raises:
            AdapterError: The request's adapter cannot be used.
        """
        start_s = time.monotonic()
        tokens, reason = 0, "cancelled"

        def check() -> None:
            if is_cancelled():
                raise Cancelled

        with contextlib.suppress(Cancelled), self._threads():
            self.wear(request.adapter)
            for candidate, tokens_of_it in completions(self._model, self._tokenizer, request, check):
                tokens += tokens_of_it
                send(candidate)
            reason = "stop"
        return wire.Done(request.id, tokens, time.monotonic() - start_s, reason)

    def _responses(
        self, request: wire.Generate, is_cancelled: Callable[[], bool]
    ) -> Generator[GenerationResponse, None, None]:
        def check(*_progress: int) -> None:
            if is_cancelled():
                raise Cancelled

        mx.random.seed(request.seed)
        for response in stream_generate(
            self._model,
            self._tokenizer,
            request.prompt,
            max_tokens=request.max_tokens,
            sampler=make_sampler(temp=request.temperature),
            prefill_step_size=PREFILL_CHUNK_TOKENS,
            prompt_progress_callback=check,
        ):
            check()
            yield response

    def _threads(self) -> contextlib.AbstractContextManager[None]:
        return on_one_thread() if self._is_small else contextlib.nullcontext()

    def _settle(self) -> None:
        if self._dtype:
            self._model.set_dtype(getattr(mx, self._dtype))
        self._model.eval()
        mx.eval(self._model.parameters())

    def _keep(self, worn: tuple[str, str]) -> None:
        """Keeps what an adapter puts on the base, if that is LoRA's modules alone: it is soon put on again."""
        weights: dict[str, mx.array] = mx.load(str(Path(worn[0]) / WEIGHTS_FILE))  # type: ignore[assignment]
        if all(".lora_" in name for name in weights):
            modules = [(name, module) for name, module in self._model.named_modules() if "lora_a" in module]
            self._wardrobe = {**dict(list(self._wardrobe.items())[1 - _MOST_KEPT :]), worn: tree_unflatten(modules)}

    def _take_off(self) -> None:
        self._model.update_modules(self._bare_modules)
        self._model.load_weights(self._bare_weights)
        self._worn = None

    def _refuse_broken_numbers(self) -> None:
        weights: dict[str, mx.array] = dict(tree_flatten(self._model.parameters()))
        for name, array in weights.items():
            if "lora" in name and not mx.isfinite(array).all().item():
                raise ValueError(f"{name} holds numbers that are not finite")
