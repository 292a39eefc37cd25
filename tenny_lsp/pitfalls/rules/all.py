"""All rules, family by family, in the order of docs/pitfalls.md."""

from tenny_lsp.pitfalls.rule import Rule
from tenny_lsp.pitfalls.rules import (
    arguments,
    captured,
    compiled,
    compiled_arguments,
    conditions,
    discarded,
    gradient_use,
    indexing,
    keywords,
    layer_use,
    layers,
    methods,
    module_setup,
    modules,
    names,
    results,
    shapes,
    threads,
    training,
    unknown,
    updates,
)

RULES: tuple[Rule, ...] = (
    *names.RULES, *methods.RULES, *shapes.RULES, *keywords.RULES, *arguments.RULES, *indexing.RULES, *updates.RULES,
    *results.RULES, *discarded.RULES, *layers.RULES, *layer_use.RULES, *modules.RULES, *module_setup.RULES,
    *training.RULES, *gradient_use.RULES, *compiled.RULES, *compiled_arguments.RULES, *captured.RULES,
    *conditions.RULES, *threads.RULES, *unknown.RULES,
)  # fmt: skip
