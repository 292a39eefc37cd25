"""All rules, family by family, in the order of docs/pitfalls.md."""

from tenny_lsp.pitfalls.rule import Rule
from tenny_lsp.pitfalls.rules import (
    arguments,
    captured,
    compiled,
    compiled_arguments,
    conditions,
    discarded,
    evaluated,
    gradient_use,
    guarded_gradients,
    indexing,
    keywords,
    layer_use,
    layers,
    linear_algebra,
    methods,
    module_setup,
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
    updates,
)

RULES: tuple[Rule, ...] = (
    *names.RULES, *methods.RULES, *shapes.RULES, *linear_algebra.RULES, *keywords.RULES, *arguments.RULES,
    *signature.RULES, *indexing.RULES, *updates.RULES, *results.RULES, *discarded.RULES, *sampling.RULES,
    *layers.RULES, *layer_use.RULES, *modules.RULES, *module_setup.RULES, *torch_weights.RULES, *saving.RULES,
    *training.RULES, *gradient_use.RULES, *guarded_gradients.RULES, *compiled.RULES,
    *compiled_arguments.RULES, *evaluated.RULES, *captured.RULES, *conditions.RULES, *timing.RULES, *threads.RULES,
    *processes.RULES, *unknown.RULES,
)  # fmt: skip
