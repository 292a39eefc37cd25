"""Make questions about wrong code from the examples of the pitfalls' rules, answered with what is wrong and right."""

import random
from collections.abc import Iterator

from tenny_lsp.learning.formats import Row
from tenny_lsp.mlx_api.index import ApiIndex
from tenny_lsp.model.prompts import WORDINGS, code_completion, completion, prompt_of
from tenny_lsp.pitfalls.explanations import code_after, found_in
from tenny_lsp.pitfalls.rules.all import RULES

_WORDINGS_PER_EXAMPLE = 2


def pitfall_rows(index: ApiIndex) -> Iterator[Row]:
    """Yield the rows of every rule: its code before in the prompt, the explanation and the code after as the answer."""
    for rule in RULES:
        choice = random.Random(rule.code)
        for example in rule.examples:
            found, after = found_in(example, index), code_after(example, index)
            if found is None:
                continue
            answer = completion(found.message) + (f"\n{code_completion(after).strip()}" if after else "")
            for wording in choice.sample(WORDINGS["pitfall"], _WORDINGS_PER_EXAMPLE):
                yield Row(prompt_of(wording, f"```python\n{example.before}\n```"), answer, rule.code, "pitfall")
