"""Write docs/pitfalls.md: every rule with its code, its message, and its examples before and after."""

from pathlib import Path

from tenny_lsp.mlx_api.index import ApiIndex, load_mlx_index
from tenny_lsp.pitfalls.explanations import Explanation, code_after, found_in
from tenny_lsp.pitfalls.rule import Rule
from tenny_lsp.pitfalls.rules.all import RULES

PAGE = Path("docs/pitfalls.md")
_OUTCOMES = {
    "raises": "raises",
    "wrong": "goes wrong silently",
    "slow": "is slow or deprecated",
    "undefined": "is undefined",
}
_HEAD = """\
# Pitfalls

What Tenny's diagnostics say of MLX code, by their codes. Written by `python -m tools.build_pitfalls` from the rules in
`tenny_lsp/pitfalls/`; `tests/mlx/test_pitfalls.py` runs every example here on MLX, before and after.

A diagnostic is shown only where it is certain that the code is MLX's: where Tenny does not know what an expression is,
it says nothing. **Safe** fixes are applied by `source.fixAll.tenny`, for instance when a file is saved; the others are
offered one by one, to be looked at.

To ignore one, end its line with `# tenny: ignore[code]`, or with `# tenny: ignore` for all on the line. The settings
`tenny.pitfalls.select` and `tenny.pitfalls.ignore` take lists of codes; `"ignore": ["all"]` turns all of them off.

"""


def page(index: ApiIndex) -> str:
    """Return the page's text."""
    rows = [
        f"| [`{rule.code}`](#{rule.code}) | {rule.title} | {rule.severity} | {_fix(rule, index)} |" for rule in RULES
    ]
    table = "\n".join(["| Code | What | Severity | Fix |", "|---|---|---|---|", *rows])
    return _HEAD + table + "\n" + "".join(_section(rule, index) for rule in RULES)


def _fix(rule: Rule, index: ApiIndex) -> str:
    found = [pitfall for example in rule.examples if (pitfall := found_in(example, index)) is not None]
    fixes = [fix for pitfall in found for fix in pitfall.fixes[:1]]
    return (
        "safe"
        if fixes and all(fix.is_safe for fix in fixes)
        else "safe or offered"
        if any(fix.is_safe for fix in fixes)
        else "offered"
        if fixes
        else "explained"
    )


def _section(rule: Rule, index: ApiIndex) -> str:
    outcomes = ", or ".join(dict.fromkeys(_OUTCOMES[example.outcome] for example in rule.examples))
    said = Explanation(rule, index).prose
    lines = [f"\n## {rule.code}\n", f"{rule.title}: it {outcomes}. [Why]({rule.link})\n", f"> {said}\n"]
    pairs = [(example.before, code_after(example, index)) for example in rule.examples]
    short = [pair for pair in pairs if "\n" not in pair[0] + pair[1] and "|" not in pair[0] + pair[1]]
    if short:
        rows = [f"| `{before}` | `{after}` |" if after else f"| `{before}` | delete it |" for before, after in short]
        lines += ["| Before | After |", "|---|---|", *rows, ""]
    for before, after in pairs:
        if (before, after) not in short:
            lines += ["```python", "# before", before, "# after", after, "```", ""]
    return "\n".join(lines)


def main() -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(load_mlx_index()), encoding="utf-8")


if __name__ == "__main__":
    main()
