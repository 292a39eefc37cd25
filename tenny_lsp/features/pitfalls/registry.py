"""All the rules, family by family."""

from tenny_lsp.features.pitfalls import (
    compiled,
    indexing,
    keywords,
    layers,
    methods,
    modules,
    names,
    results,
    shapes,
    training,
)

RULES = tuple(
    rule
    for family in (names, methods, shapes, keywords, indexing, results, layers, modules, training, compiled)
    for rule in family.RULES
)
