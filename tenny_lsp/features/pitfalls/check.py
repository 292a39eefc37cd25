"""A file → its pitfalls, in one walk of its tree."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from tenny_lsp.features.pitfalls.calls import call_of
from tenny_lsp.features.pitfalls.registry import RULES
from tenny_lsp.features.pitfalls.rule import Edit, Finding, Pitfall, Rule
from tenny_lsp.features.pitfalls.script import Script
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.source.buffer import Buffer
from tenny_lsp.source.reader import Reader
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

    def findings(self, script: Script) -> list[tuple[Rule, Finding]]:
        """Returns what the rules find in a file, each with its rule."""
        found: list[tuple[Rule, Finding]] = []
        cursor = script.buffer.root.walk()
        while True:
            node = cursor.node
            if node is not None and node.is_named:
                self._look(script, node, found)
            if cursor.goto_first_child():
                continue
            while not cursor.goto_next_sibling():
                if not cursor.goto_parent():
                    return found

    def _look(self, script: Script, node: Node, found: list[tuple[Rule, Finding]]) -> None:
        """Adds what the rules find at a node."""
        kind = node.type
        for rule in self._by_kind.get(kind, ()):
            found += [(rule, finding) for finding in rule.check(script, node)]
        if kind == "attribute":
            name = field(node, "attribute")
            for rule in self._by_attribute.get(text_of(name), ()) if name is not None else ():
                found += [(rule, finding) for finding in rule.check(script, node)]
        elif kind == "call" and (call := call_of(node)) is not None:
            rules = list(self._by_call.get(call.name, ()))
            for keyword in call.keywords:
                rules += [rule for rule in self._by_keyword.get(keyword, ()) if rule not in rules]
            for rule in rules:
                found += [(rule, finding) for finding in rule.check(script, call)]


def pitfalls(buffer: Buffer, index: ApiIndex, rules: Rules, reader: Reader | None = None) -> list[Pitfall]:
    """Returns the pitfalls of a file in the order of its text.

    Args:
        buffer (Buffer): The file's text.
        index (ApiIndex): The MLX it uses.
        rules (Rules): The rules that are selected.
        reader (Reader, optional): Reads what the file's expressions mean. Default: one that reads no other file.
    """
    if "mlx" not in buffer.text:
        return []
    script = Script(buffer, reader or Reader(buffer, index))
    ignored = dict(_ignored(buffer.text)) if "tenny:" in buffer.text else {}
    found = []
    for rule, finding in rules.findings(script):
        rows = range(finding.node.start_point[0], finding.node.end_point[0] + 1)
        if any(
            rule.code in codes or not codes for row in (rows[0], rows[-1]) if (codes := ignored.get(row)) is not None
        ):
            continue
        found.append(_pitfall(buffer, rule, finding))
    return sorted(dict.fromkeys(found), key=lambda pitfall: (pitfall.start, pitfall.end))


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
