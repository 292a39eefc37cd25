"""All rules, family by family, in the order of docs/pitfalls.md."""

from tenny_lsp.pitfalls.rule import Rule
from tenny_lsp.pitfalls.rules import (
    arguments,
    captured,
    compiled,
    conditions,
    discarded,
    evaluated,
    guarded_gradients,
    indexing,
    keywords,
    layer_use,
    layers,
    linear_algebra,
    methods,
    modules,
    names,
    processes,
    results,
    sampling,
    saving,
    shapes,
    signature,
    threads,
    timing,
    torch_weights,
    training,
    unknown,
    unknown_methods,
    updates,
)

RULES: tuple[Rule, ...] = (
    *names.RULES, *methods.RULES, *shapes.RULES, *linear_algebra.RULES, *keywords.RULES, *arguments.RULES,
    *signature.RULES, *indexing.RULES, *updates.RULES, *results.RULES, *discarded.RULES, *sampling.RULES,
    *layers.RULES, *layer_use.RULES, *modules.RULES, *torch_weights.RULES, *saving.RULES, *training.RULES,
    *guarded_gradients.RULES, *compiled.RULES, *evaluated.RULES, *captured.RULES, *conditions.RULES, *timing.RULES,
    *threads.RULES, *processes.RULES, *unknown.RULES, *unknown_methods.RULES,
)  # fmt: skip
