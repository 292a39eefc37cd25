"""Check a file for pitfalls, in one walk of its tree, or of the statements that an edit invalidates."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import GeneratorType

from tenny_lsp.inference.evaluator import Evaluator
from tenny_lsp.inference.shapes.engine import go_on
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit
from tenny_lsp.pitfalls.guards import is_expected
from tenny_lsp.pitfalls.incremental import (
    PlacedPitfall,
    Statement,
    Versions,
    changed_names,
    invalidated,
    statements_of,
    unchanged_ends,
)
from tenny_lsp.pitfalls.rule import Finding, Pitfall, Rule
from tenny_lsp.pitfalls.rules.all import RULES
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.syntax import Node, every, field, text_of, up_to

_IGNORE = re.compile(r"#\s*tenny:\s*ignore(?:\[([\w\s,-]*)\])?")


class Rules:
    """The rules that are selected, by what they check.

    Args:
        select (Collection[str]): The codes of those that are used; empty: all.
        ignore (Collection[str]): The codes of those that are not; ``all`` stands for every one.
        with_shapes (bool): Whether the shapes of arrays are computed, which takes a quarter of a second in one file of
            twenty: typing does not wait for them. Default: ``True``.

    Attributes:
        unknown (list[str]): The codes among them that no rule has.
    """

    def __init__(self, select: Collection[str] = (), ignore: Collection[str] = (), *, with_shapes: bool = True) -> None:
        self.unknown = sorted({*select, *ignore} - {rule.code for rule in RULES} - {"all"})
        self._rules = [
            rule
            for rule in RULES
            if (not select or rule.code in select)
            and not {rule.code, "all"} & set(ignore)
            and (with_shapes or not rule.needs_shapes)
        ]
        #: The file that was checked last, and what triggers the rules that are asked in it.
        self._last: tuple[RuleContext, _Triggers] | None = None

    def findings(
        self, context: RuleContext, statement: Node, pause: Callable[[], None] = go_on
    ) -> tuple[list[tuple[Rule, Finding]], bool]:
        """Return what the rules find in a statement, each with its rule, and whether one searched the whole file.

        Args:
            context (RuleContext): The file.
            statement (Node): The statement.
            pause (Callable[[], None]): Called before each rule; it may hold the check up.

        Raises:
            TypeError: A rule of scope "statement" returns a search of the whole file.
        """
        found, has_searched = list[tuple[Rule, Finding]](), False
        for rule, place in self._asked(context).triggered(statement):
            pause()
            result = rule.check(context, place)
            if rule.scope == "file" and callable(result):
                has_searched = True
                result = result(context.evaluator.buffer.root)
            if isinstance(result, GeneratorType):
                found += [(rule, finding) for finding in result]
            elif result is not None:
                raise TypeError(f'{rule.code} searches the whole file: declare scope="file"')
        found = [(rule, one) for rule, one in found if rule.severity != "error" or not is_expected(one.node)]
        return list(_without_general(found)), has_searched

    def findings_of_shapes(self, context: RuleContext) -> Iterator[tuple[Rule, Finding]]:
        """Yield what the rules find in a file that need the shapes of its arrays, each with its rule."""
        triggers = self._asked(context).of_shapes
        for node in every(context.evaluator.buffer.root) if triggers else ():
            context.pause()
            for rule in triggers.get(node.type, ()):
                found = rule.check(context, node)
                for finding in found if isinstance(found, Iterator) else ():
                    yield rule, finding

    def _asked(self, context: RuleContext) -> "_Triggers":
        """Return what triggers the rules of which a word stands in a file."""
        if self._last is None or self._last[0] is not context:
            mentions = context.file.mentions
            asked = (rule for rule in self._rules if not rule.words or any(map(mentions, rule.words)))
            self._last = context, _Triggers(asked)
        return self._last[1]


class _Triggers:
    """What triggers each of some rules.

    Args:
        rules (Iterable[Rule]): The rules.

    Attributes:
        of_shapes (dict[str, list[Rule]]): Those that need shapes, by the kinds of nodes that they check.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.of_shapes: dict[str, list[Rule]] = {}
        self._by_kind: dict[str, list[Rule]] = {}
        self._by_call: dict[str, list[Rule]] = {}
        self._by_keyword: dict[str, list[Rule]] = {}
        self._by_attribute: dict[str, list[Rule]] = {}
        for rule in rules:
            for table, names in (
                (self.of_shapes if rule.needs_shapes else self._by_kind, rule.kinds),
                (self._by_call, rule.calls),
                (self._by_keyword, rule.keywords),
                (self._by_attribute, rule.attributes() if callable(rule.attributes) else rule.attributes),
            ):
                for name in names:
                    table.setdefault(name, []).append(rule)

    def triggered(self, statement: Node) -> Iterator[tuple[Rule, Node | Call]]:
        """Yield the nodes and calls in a statement that a rule checks, each with that rule."""
        for node in every(statement):
            kind = node.type
            for rule in self._by_kind.get(kind, ()):
                yield rule, node
            if kind == "attribute":
                name = field(node, "attribute")
                for rule in self._by_attribute.get(text_of(name), ()) if name is not None else ():
                    yield rule, node
            elif kind == "call" and (call := call_of(node)) is not None:
                rules = [*self._by_call.get(call.name, ()), *self._by_call.get("*", ())]
                for keyword in call.keywords:
                    rules += [rule for rule in self._by_keyword.get(keyword, ()) if rule not in rules]
                for rule in rules:
                    yield rule, call


def _without_general(found: list[tuple[Rule, Finding]]) -> Iterator[tuple[Rule, Finding]]:
    """Yield findings without those of general rules in a call that another rule speaks of, or of the same keyword."""
    others = [(one.node, up_to(one.node, "call")) for rule, one in found if not rule.is_general]
    for rule, one in found:
        call = up_to(one.node, "call") if rule.is_general else None
        is_keyword = one.node.parent is not None and one.node.parent.type == "keyword_argument"
        same = [node for node, around in others if around == call] if call is not None else []
        if not any(not is_keyword or _overlap(one.node, node) for node in same):
            yield rule, one


def _overlap(one: Node, other: Node) -> bool:
    return one.start_byte < other.end_byte and other.start_byte < one.end_byte


@dataclass(frozen=True)
class Checked:
    """A file that has been checked.

    Args:
        pitfalls (list[Pitfall]): What was found, in the order of the text.
        statements (list[Statement]): The statements at its top, with what was found in each.
        context (RuleContext): The file as the rules saw it.
        rules (Rules): The rules.
        others (dict[Path, Buffer]): The other files that were read.
        missing (frozenset[str]): The imports that led to no file.
    """

    pitfalls: list[Pitfall]
    statements: list[Statement]
    context: RuleContext
    rules: Rules
    others: dict[Path, Buffer]
    missing: frozenset[str] = frozenset()


def pitfalls(evaluator: Evaluator, rules: Rules) -> list[Pitfall]:
    """Return the pitfalls of a file in the order of its text; see ``check``."""
    return check(evaluator, rules).pitfalls


def check(
    evaluator: Evaluator, rules: Rules, before: Checked | None = None, pause: Callable[[], None] = go_on
) -> Checked:
    """Check a file, or only what an edit can have changed in it.

    Args:
        evaluator (Evaluator): The evaluator of the file.
        rules (Rules): The rules that are selected.
        before (Checked, optional): The file before an edit: what it found in statements that the edit does not
            invalidate is reused.
        pause (Callable[[], None]): Called again and again; it may hold the check up.
    """
    context, text = RuleContext(evaluator), evaluator.buffer.text
    if "mlx" not in text:
        return Checked([], [], context, rules, {})
    if before is not None and not _is_comparable(before, context, rules):
        before = None
    statements = statements_of(evaluator.buffer, before.statements if before is not None else ())
    reused = _reused(before, statements, context, pause) if before is not None else {}
    statements = [
        reused[place] if place in reused else _checked(statement, context, rules, pause)
        for place, statement in enumerate(statements)
    ]
    placed = [one for statement in statements for one in statement.found]
    placed += pitfalls_of_shapes(context, rules, [one.pitfall for one in placed])
    found = [one.pitfall for one in not_ignored(placed, text)]
    others = {**evaluator.others, **(before.others if before is not None else {})}
    missing = frozenset(evaluator.missing) | (before.missing if before is not None else frozenset())
    found = sorted(dict.fromkeys(found), key=lambda pitfall: (pitfall.start, pitfall.end))
    return Checked(found, statements, context, rules, others, missing)


def _is_comparable(before: Checked, context: RuleContext, rules: Rules) -> bool:
    """Return whether all that is not in the file's statements is as it was: rules, API, other files, file facts."""
    old, new = before.context.evaluator, context.evaluator
    if before.rules is not rules or old.index is not new.index or old.files is not new.files:
        return False
    if new.files is not None and not new.files.are_unchanged(before.others):
        return False
    return not new.finds_any(before.missing) and context.file.equal_those_of(before.context.file)


def _reused(
    before: Checked, statements: list[Statement], context: RuleContext, pause: Callable[[], None]
) -> dict[int, Statement]:
    """Return the statements whose pitfalls are those of before the edit, by their places."""
    first, last = unchanged_ends(before.statements, statements)
    edited = before.statements[first : len(before.statements) - last], statements[first : len(statements) - last]
    versions = Versions(before.context.evaluator, context.evaluator, pause)
    names = changed_names(*edited, versions)
    if names is None:
        return {}
    unchanged = [(place, place) for place in range(first)]
    unchanged += [(len(statements) - place, len(before.statements) - place) for place in range(last, 0, -1)]
    again = invalidated(statements, names, versions)
    return {
        new: statements[new].reused(before.statements[old])
        for new, old in unchanged
        if new not in again and before.statements[old].is_reusable
    }


def _checked(statement: Statement, context: RuleContext, rules: Rules, pause: Callable[[], None]) -> Statement:
    findings, has_searched = rules.findings(context, statement.node, pause)
    found = [
        PlacedPitfall(_pitfall(context.evaluator.buffer, rule, finding), _rows(finding)) for rule, finding in findings
    ]
    return statement.checked(found, has_searched)


def pitfalls_of_shapes(context: RuleContext, rules: Rules, others: Iterable[Pitfall]) -> Iterator[PlacedPitfall]:
    """Yield what the shapes of a file tell, but not in calls and lines that other pitfalls speak of."""
    at, told = context.evaluator.buffer.offset_of, list(others)
    for rule, finding in _joined(rules.findings_of_shapes(context)):
        place = up_to(finding.node, "call", "subscript", "binary_operator") or finding.node
        start, end = at(place.start_byte), at(place.end_byte)
        if not any(other.start < end and start < other.end for other in told):
            yield PlacedPitfall(_pitfall(context.evaluator.buffer, rule, finding), _rows(finding))


def _joined(found: Iterable[tuple[Rule, Finding]]) -> Iterator[tuple[Rule, Finding]]:
    """Yield findings; those that have a cause in common are one, at the cause, which names the lines of all."""
    by_cause: dict[int, list[tuple[Rule, Finding]]] = {}
    for rule, finding in found:
        if finding.cause is None:
            yield rule, finding
        else:
            by_cause.setdefault(finding.cause.id, []).append((rule, finding))
    for same in by_cause.values():
        rule, finding = same[0]
        if len(same) > 1 and finding.cause is not None:
            lines = [str(line) for line in sorted({one.node.start_point[0] + 1 for _, one in same})]
            named = f"lines {', '.join(lines[:-1])} and {lines[-1]}" if len(lines) > 1 else f"line {lines[0]}"
            finding = Finding(finding.cause, f"{finding.message.removesuffix('.')}, as called in {named}.")
        yield rule, finding


def not_ignored(found: Iterable[PlacedPitfall], text: str) -> Iterator[PlacedPitfall]:
    """Yield the pitfalls of a text that no comment beside them ignores."""
    ignored = _ignored(text)
    return (one for one in found if not _is_ignored(one, ignored))


def _rows(finding: Finding) -> tuple[int, int]:
    return finding.node.start_point[0], finding.node.end_point[0]


def _is_ignored(found: PlacedPitfall, ignored: dict[int, frozenset[str]]) -> bool:
    """Return whether a comment on a pitfall's first or last line ignores it."""
    codes = [ignored[row] for row in found.rows if row in ignored]
    return any(found.pitfall.code in some or not some for some in codes)


def _pitfall(buffer: Buffer, rule: Rule, finding: Finding) -> Pitfall:
    """Return a finding as it is shown: offsets in code points instead of bytes."""
    at = buffer.offset_of
    fixes = [
        replace(fix, edits=tuple(Edit(at(edit.start), at(edit.end), edit.text) for edit in fix.edits))
        for fix in finding.fixes
    ]
    node = finding.node
    start, end = at(node.start_byte), at(node.end_byte)
    return Pitfall(rule.code, rule.severity, finding.message, finding.link or rule.link, start, end, tuple(fixes))


def _ignored(text: str) -> dict[int, frozenset[str]]:
    """Return the lines, from 0, on which pitfalls are ignored, with their codes; no code: all are."""
    if "tenny:" not in text:
        return {}
    lines = enumerate(re.split(r"\r\n|\r|\n", text))
    found = ((row, _IGNORE.search(line)) for row, line in lines)
    return {row: frozenset(re.findall(r"[\w-]+", one[1] or "")) for row, one in found if one is not None}
