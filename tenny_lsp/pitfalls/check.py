"""A file → its pitfalls, in one walk of its tree, or of what an edit has changed in it."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.calls import call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.incremental import Part, PlacedPitfall, changed, concerned, names_changed, parts_of
from tenny_lsp.pitfalls.rule import Edit, Finding, Pitfall, Rule
from tenny_lsp.pitfalls.rules.all import RULES
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node, field, text_of

_IGNORE = re.compile(r"#\s*tenny:\s*ignore(?:\[([\w\s,-]*)\])?")


class Rules:
    """The rules that are selected, by what they look at.

    Args:
        select (Collection[str]): The codes of those that are used; empty: all.
        ignore (Collection[str]): The codes of those that are not; ``all`` stands for every one.
    """

    def __init__(self, select: Collection[str] = (), ignore: Collection[str] = ()) -> None:
        self.unknown = sorted({*select, *ignore} - {rule.code for rule in RULES} - {"all"})
        self._by_kind: dict[str, list[Rule]] = {}
        self._by_call: dict[str, list[Rule]] = {}
        self._by_keyword: dict[str, list[Rule]] = {}
        self._by_attribute: dict[str, list[Rule]] = {}
        for rule in RULES:
            if (not select or rule.code in select) and not {rule.code, "all"} & set(ignore):
                for table, names in (
                    (self._by_kind, rule.kinds),
                    (self._by_call, rule.calls),
                    (self._by_keyword, rule.keywords),
                    (self._by_attribute, rule.attributes() if callable(rule.attributes) else rule.attributes),
                ):
                    for name in names:
                        table.setdefault(name, []).append(rule)

    def findings(self, context: RuleContext, part: Node) -> list[tuple[Rule, Finding]]:
        """Returns what the rules find in a part of a file, each with its rule."""
        found: list[tuple[Rule, Finding]] = []
        cursor = part.walk()
        while True:
            node = cursor.node
            if node is not None and node.is_named:
                self._look(context, node, found)
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return found

    def _look(self, context: RuleContext, node: Node, found: list[tuple[Rule, Finding]]) -> None:
        """Adds what the rules find at a node."""
        kind = node.type
        for rule in self._by_kind.get(kind, ()):
            found += [(rule, finding) for finding in rule.check(context, node)]
        if kind == "attribute":
            name = field(node, "attribute")
            for rule in self._by_attribute.get(text_of(name), ()) if name is not None else ():
                found += [(rule, finding) for finding in rule.check(context, node)]
        elif kind == "call" and (call := call_of(node)) is not None:
            rules = list(self._by_call.get(call.name, ()))
            for keyword in call.keywords:
                rules += [rule for rule in self._by_keyword.get(keyword, ()) if rule not in rules]
            for rule in rules:
                found += [(rule, finding) for finding in rule.check(context, call)]


@dataclass(frozen=True)
class Checked:
    """A file that has been looked at.

    Args:
        pitfalls (list[Pitfall]): What was found, in the order of its text.
        parts (list[Part]): Its statements, with what was found in each.
        context (RuleContext): The file as the rules saw it.
        rules (Rules): The rules.
        others (dict[Path, Buffer]): The other files that were read.
        missing (frozenset[str]): The imports that led to none.
    """

    pitfalls: list[Pitfall]
    parts: list[Part]
    context: RuleContext
    rules: Rules
    others: dict[Path, Buffer]
    missing: frozenset[str] = frozenset()


def pitfalls(buffer: Buffer, index: ApiIndex, rules: Rules, evaluator: Evaluator | None = None) -> list[Pitfall]:
    """Returns the pitfalls of a file in the order of its text; see ``check``."""
    return check(buffer, rules, evaluator or Engine(buffer, index)).pitfalls


def check(buffer: Buffer, rules: Rules, evaluator: Evaluator, before: Checked | None = None) -> Checked:
    """Looks a file through.

    Args:
        buffer (Buffer): The file's text.
        rules (Rules): The rules that are selected.
        evaluator (Evaluator): Reads what the file's expressions mean.
        before (Checked, optional): What was found before an edit: only what that can concern is looked at again.
    """
    context = RuleContext(buffer, evaluator)
    if "mlx" not in buffer.text:
        return Checked([], [], context, rules, {})
    if before is not None and not _is_usable(before, context, rules):
        before = None
    parts = parts_of(buffer, before.parts if before is not None else ())
    known = _known(before, parts, context) if before is not None else {}
    parts = [known[place] if place in known else _looked_at(part, context, rules) for place, part in enumerate(parts)]
    ignored = dict(_ignored(buffer.text)) if "tenny:" in buffer.text else {}
    found = [one.pitfall for part in parts for one in part.found if not _is_ignored(one, ignored)]
    others = {**evaluator.others, **(before.others if before is not None else {})}
    missing = frozenset(evaluator.missing) | (before.missing if before is not None else frozenset())
    found = sorted(dict.fromkeys(found), key=lambda pitfall: (pitfall.start, pitfall.end))
    return Checked(found, parts, context, rules, others, missing)


def _is_usable(before: Checked, context: RuleContext, rules: Rules) -> bool:
    """Tells whether what was found before still holds where the text and its names are the same."""
    old, evaluator = before.context, context.evaluator
    if before.rules is not rules or old.index is not context.index:
        return False
    if old.evaluator.files is not evaluator.files or (
        evaluator.files is not None and not evaluator.files.are_unchanged(before.others)
    ):
        return False
    if evaluator.finds_any(before.missing):
        return False
    context.mentioned |= {word: word in context.buffer.text for word in old.mentioned}
    return context.mentioned == old.mentioned and context.facts == old.facts


def _known(before: Checked, parts: list[Part], context: RuleContext) -> dict[int, Part]:
    """Returns the parts, by their places, in which there is what there was before."""
    first, last = changed(before.parts, parts)
    edited = before.parts[first : len(before.parts) - last], parts[first : len(parts) - last]
    names = names_changed(*edited, (before.context.evaluator, context.evaluator))
    if names is None:
        return {}
    same = [(place, place) for place in range(first)]
    same += [(len(parts) - place, len(before.parts) - place) for place in range(last, 0, -1)]
    again = concerned(parts, names)
    return {
        new: parts[new].found_as(before.parts[old])
        for new, old in same
        if new not in again and before.parts[old].is_alone
    }


def _looked_at(part: Part, context: RuleContext, rules: Rules) -> Part:
    context.has_looked_around = False
    found = [
        PlacedPitfall(_pitfall(context.buffer, rule, finding), (finding.node.start_point[0], finding.node.end_point[0]))
        for rule, finding in rules.findings(context, part.node)
    ]
    return part.looked_at(found, not context.has_looked_around)


def _is_ignored(found: PlacedPitfall, ignored: dict[int, frozenset[str]]) -> bool:
    """Tells whether a comment beside a pitfall, on its first or last line, says that it is meant."""
    codes = [ignored[row] for row in found.rows if row in ignored]
    return any(found.pitfall.code in some or not some for some in codes)


def _pitfall(buffer: Buffer, rule: Rule, finding: Finding) -> Pitfall:
    """Returns a finding as it is shown: in code points instead of bytes."""
    at = buffer.offset_of
    fixes = [
        replace(fix, edits=tuple(Edit(at(edit.start), at(edit.end), edit.text) for edit in fix.edits))
        for fix in finding.fixes
    ]
    node = finding.node
    start, end = at(node.start_byte), at(node.end_byte)
    return Pitfall(rule.code, rule.severity, finding.message, finding.link or rule.link, start, end, tuple(fixes))


def _ignored(text: str) -> Iterator[tuple[int, frozenset[str]]]:
    """Yields each line, from 0, on which pitfalls are ignored, and which; none named: all."""
    for row, line in enumerate(re.split(r"\r\n|\r|\n", text)):
        if found := _IGNORE.search(line):
            yield row, frozenset(re.findall(r"[\w-]+", found[1] or ""))
