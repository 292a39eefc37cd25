"""All rules, family by family, in the order of docs/pitfalls.md."""

from tenny_lsp.pitfalls.rules import (
    arguments,
    captured,
    compiled,
    conditions,
    discarded,
    indexing,
    keywords,
    layer_use,
    layers,
    methods,
    modules,
    names,
    results,
    shapes,
    threads,
    training,
    unknown,
    updates,
)

RULES = tuple(
    rule
    for family in (
        names,
        methods,
        shapes,
        keywords,
        arguments,
        indexing,
        updates,
        results,
        discarded,
        layers,
        layer_use,
        modules,
        training,
        compiled,
        captured,
        conditions,
        threads,
        unknown,
    )
    for rule in family.RULES
)
