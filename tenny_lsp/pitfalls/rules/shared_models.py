"""Two names for one model, of which one is meant to stay as it is."""

import re
from collections.abc import Iterator
from functools import partial

from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.rule import PYTHON, Example, Finding, Search, rule
from tenny_lsp.source.syntax import Node, field, text_of, up_to

#: What models are called that are meant to lag behind another, or to stay.
_LAGS = {"target", "ema", "old", "ref", "reference", "frozen", "initial", "best", "prev", "previous", "snapshot"}
_STEP = (
    "_, grads = nn.value_and_grad(model, lambda m: (m(x) ** 2).sum())(model)\noptimizer.update(model, grads)\n"
    "y = (target_net(x) == model(x)).all()"
)


@rule(
    "shared-model",
    "warning",
    "A second name for a model that is trained",
    PYTHON + "nn/module.html",
    scope="file",
    kinds=("assignment",),
    examples=(
        Example(f"target_net = model\n{_STEP}", f"import copy\ntarget_net = copy.deepcopy(model)\n{_STEP}",
                "not y.item()", "wrong", is_fixed=False),
        Example("class Agent:\n    def __init__(self):\n        self.online = nn.Linear(3, 2)\n"
                "        self.target = self.online\n    def learn(self, grads):\n"
                "        optimizer.update(self.online, grads)\nagent = Agent()\n"
                "agent.learn(agent.online.parameters())\ny = (agent.online.weight == agent.target.weight).all()",
                "class Agent:\n    def __init__(self):\n        self.online = nn.Linear(3, 2)\n"
                "        self.target = nn.Linear(3, 2)\n        self.target.update(self.online.parameters())\n"
                "    def learn(self, grads):\n"
                "        optimizer.update(self.online, grads)\nagent = Agent()\n"
                "agent.learn(agent.online.parameters())\ny = (agent.online.weight == agent.target.weight).all()",
                "not y.item()", "wrong", is_fixed=False),
    ),
)  # fmt: skip
def shared_model(context: RuleContext, node: Node) -> Search | None:
    """Find ``target_net = model`` where the model is trained: both names are of one model, and it changes for both."""
    left, right = field(node, "left"), field(node, "right")
    named = ("identifier", "attribute")
    if left is None or right is None or left.type not in named or right.type not in named:
        return None
    words = text_of(left).rpartition(".")[2].lower().strip("_").split("_")
    if words[0] not in _LAGS or not context.is_a(right, "mlx.nn.Module") or context.file.mentions("deepcopy("):
        return None
    if words[0] == "best" and up_to(node, "for_statement", "while_statement") is None:
        return None
    return partial(_trained, left, right)


def _trained(left: Node, right: Node, whole: Node) -> Iterator[Finding]:
    """Report a second name if an optimizer updates the model by its first, and no adapters make the difference."""
    text = text_of(whole)
    is_trained = re.search(rf"\.update\(\s*{re.escape(text_of(right))}\s*,", text) is not None
    if is_trained and not re.search(r"lora|adapter", text, re.IGNORECASE):
        yield Finding(
            left.parent or left, f"`{text_of(left)}` is another name of the same model, which is trained: it changes "
            "with it. Take `copy.deepcopy`, or make a second model and `update` it with the parameters of the first.",
        )  # fmt: skip


RULES = (shared_model,)
