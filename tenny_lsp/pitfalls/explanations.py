"""Say of a rule what its pitfall is: the message of its first example, and code before and after."""

from dataclasses import dataclass

from tenny_lsp.inference.engine import Engine
from tenny_lsp.inference.files import Files
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.pitfalls.check import Rules, pitfalls
from tenny_lsp.pitfalls.fixes import applied
from tenny_lsp.pitfalls.rule import PRELUDE, Example, Pitfall, Rule
from tenny_lsp.pitfalls.rules.all import RULES
from tenny_lsp.source.buffer import Buffer

#: Reads what is installed beside MLX, once.
_FILES = Files()


def found_in(example: Example, index: ApiIndex) -> Pitfall | None:
    """Return the pitfall in an example's code; None where another MLX has what this one lacks."""
    return next(iter(pitfalls(Engine(Buffer(f"{PRELUDE}{example.before}\n"), index, _FILES), Rules())), None)


def code_after(example: Example, index: ApiIndex) -> str:
    """Return an example's right code: what is written by hand, or what the first fix makes."""
    if example.after or not example.is_fixed:
        return example.after
    found = found_in(example, index)
    fixed = applied(f"{PRELUDE}{example.before}\n", found.fixes[:1] if found is not None else ()).splitlines()
    return "\n".join(line for line in fixed if line not in PRELUDE.splitlines())


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule's pitfall is, as an answer to a question; has what a recipe has.

    Args:
        rule (Rule): The rule.
        index (ApiIndex): The index that its examples are checked with.
    """

    rule: Rule
    index: ApiIndex

    @property
    def name(self) -> str:
        """The rule's code."""
        return self.rule.code

    @property
    def question(self) -> str:
        """What is wrong, in a few words."""
        return self.rule.title

    @property
    def wordings(self) -> tuple[str, ...]:
        """What it is called otherwise: the rule's code in words, and what its check finds."""
        return (self.rule.code.replace("-", " "), (self.rule.check.__doc__ or "").partition("\n")[0])

    @property
    def searched(self) -> str:
        """What else it is found by: code that goes wrong."""
        return "\n".join(example.before for example in self.rule.examples)

    @property
    def prose(self) -> str:
        """What is wrong, what MLX does and what to write, in a sentence or two."""
        found = found_in(self.rule.examples[0], self.index)
        return found.message if found is not None else f"{self.rule.title}."

    @property
    def code(self) -> str:
        """The first example, wrong and right."""
        example = self.rule.examples[0]
        return f"# before\n{example.before}\n# after\n{code_after(example, self.index)}".rstrip()

    @property
    def page(self) -> str:
        """The page that explains it."""
        return self.rule.link


def explanations(index: ApiIndex) -> list[Explanation]:
    """Return the explanations of all rules."""
    return [Explanation(rule, index) for rule in RULES]
