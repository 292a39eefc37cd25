"""Write the remarks of a model and those written by hand beside each other, without saying which is which.

Judge ``roasts.txt`` first; ``key.json`` says whose each remark is.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path

from tenny_lsp.features.repertoire import NEAR, repertoire
from tenny_lsp.features.roast import fitness, shown, subject_of
from tenny_lsp.model.prompts import roast_prompt
from tenny_lsp.model.protocol import Sampling, TextModel


async def write_blind(folder: Path, model: TextModel, comments: Sequence[str], sampling: Sampling) -> dict[str, int]:
    """Write both files; return how many comments have a remark of the model's, and how often that wins the contest."""
    order = random.Random(0)
    lines, key = [], []
    for number, comment in enumerate(comments, 1):
        text = subject_of(comment)
        drawn = [candidate async for candidate in model.candidates(roast_prompt(text), sampling)]
        near = repertoire().fitting(text, (), NEAR)
        own, by_hand = shown(drawn, text), [roast.response for roast, _ in near]
        if not own and not by_hand:
            continue
        words = [0.0] * len(own) + [weight for _, weight in near]
        ranks = dict(zip([*own, *by_hand], await fitness(text, [*own, *by_hand], words, model), strict=True))
        best = {who: max(of, key=lambda remark: ranks[remark]) for who, of in (("model", own), ("hand", by_hand)) if of}
        sides = order.sample(sorted(best), len(best))
        lines += [
            f"{number}. {comment}",
            *(f"   {side}) {best[who]}" for side, who in zip("ab", sides, strict=False)),
            "",
        ]
        winner = max(best, key=lambda who: ranks[best[who]])
        key.append({"number": number, "sides": sides, "winner": winner})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "roasts.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
    return {
        "with a remark of the model's": sum("model" in row["sides"] for row in key),
        "won by it": sum(row["winner"] == "model" for row in key),
    }
