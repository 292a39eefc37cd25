"""All the rules, family by family."""

from tenny_lsp.features.pitfalls import keywords, layers, methods, names, shapes

RULES = tuple(rule for family in (names, methods, shapes, keywords, layers) for rule in family.RULES)
