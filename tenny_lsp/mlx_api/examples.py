"""Read the examples of MLX's names: short code that has been executed, with what it printed."""

import json
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Literal

from tenny_lsp.data import read_jsonl
from tenny_lsp.mlx_api.entry import ApiEntry

FILE = "examples.jsonl"


@dataclass(frozen=True, slots=True)
class UsageExample:
    """An example of one name, as ``tools.build_examples`` executed it.

    Args:
        name (str): The public name, ``mlx.core.softmax``.
        signature_sha (str): ``signature_sha`` of the entry when the example was executed.
        code (str): One to four lines; ``mx``, ``nn``, ``optim`` and the functions of ``mlx.utils`` are imported.
        output (str): What it prints, or the value of its last line; empty where there is nothing to show.
        mlx (str): The version of MLX that executed it.
        by (str): Who wrote the code: ``hand`` or ``model``.
    """

    name: str
    signature_sha: str
    code: str
    output: str
    mlx: str
    by: Literal["hand", "model"]

    @property
    def text(self) -> str:
        """The code, and its output as a comment below it."""
        return "\n".join([self.code, *(f"# {line}" for line in self.output.splitlines())])


@cache
def load_examples() -> dict[str, UsageExample]:
    """Return the examples that ship with Tenny, by public name."""
    return {row["name"]: UsageExample(**row) for row in read_jsonl(FILE)}


def example_of(entry: ApiEntry) -> UsageExample | None:
    """Return the example of an entry; None when there is none, or it was executed with another signature."""
    example = load_examples().get(entry.name)
    return example if example is not None and example.signature_sha == signature_sha(entry) else None


def signature_sha(entry: ApiEntry) -> str:
    """Return a hash of how an entry is called: its kind, its overloads and its annotation."""
    calls = [[*signature.parts(annotated=True), signature.returns] for signature in entry.signatures]
    declared = json.dumps([entry.kind, calls, entry.annotation])
    return sha256(declared.encode()).hexdigest()[:16]
