"""Calls of mlx-lm as it was, or as PyTorch's libraries are: sampling, prompts, adapters."""

import re
from collections.abc import Iterator

from tenny_lsp.inference.meaning import Group
from tenny_lsp.pitfalls.calls import Call, call_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Edit, Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import Example, Finding, rule
from tenny_lsp.pitfalls.values import axes_of, literal_of
from tenny_lsp.source.syntax import Node, field, text_of

_PAGE = "https://github.com/ml-explore/mlx-lm/blob/main/"
_STEP = "from mlx_lm.generate import generate_step\nfrom mlx_lm.sample_utils import make_sampler\n"
_LLAMA = (
    "from mlx_lm.models.llama import Model, ModelArgs\nfrom mlx_lm.tuner.utils import linear_to_lora_layers\n"
    'net = Model(ModelArgs(model_type="llama", hidden_size=8, num_hidden_layers=1, intermediate_size=8,\n'
    "            num_attention_heads=2, rms_norm_eps=1e-5, vocab_size=5))\n"
)
_LORA = (
    "class LoRALinear(nn.Module):\n    def __init__(self, linear):\n        super().__init__()\n"
    "        self.linear = linear\n        self.lora_a = mx.zeros((3, 1))\n"
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.head = nn.Linear(3, 3)\n"
)
_CONFIG = '{"rank": 2, "scale": 1.0, "dropout": 0.0}'
_TRAINED = "from mlx.utils import tree_flatten\ny = tree_flatten(net.trainable_parameters())"
#: What hands its keywords on to ``generate_step``.
GENERATING = ("generate", "stream_generate", "generate_step", "speculative_generate_step")
_PLACES = ("mlx_lm.", "mlx_lm.utils.", "mlx_lm.generate.")
#: Keyword → the argument of ``make_sampler``.
SAMPLING = {
    "temp": "temp", "temperature": "temp", "top_p": "top_p", "min_p": "min_p", "top_k": "top_k",
    "min_tokens_to_keep": "min_tokens_to_keep",
}  # fmt: skip
#: Keyword → the argument of ``make_logits_processors``.
PROCESSING = {
    "repetition_penalty": "repetition_penalty", "repetition_context_size": "repetition_context_size",
    "logit_bias": "logit_bias",
}  # fmt: skip
#: Keyword → what to write.
OTHERS = {
    "max_new_tokens": "`max_tokens`", "max_length": "`max_tokens`", "do_sample": "`sampler=make_sampler(temp=…)`",
    "seed": "`mx.random.seed(…)` before", "formatter": "nothing", "input_ids": "`prompt`",
}  # fmt: skip
#: What lists of tokens are called.
_PLURAL = re.compile(r"(?:^|_)(?:ids|tokens)$")
#: The call of an adapter's class.
_ADAPTER = re.compile(r"\b(?=[A-Z])\w*(?:LoRA|Lora|DoRA|Adapter)\w*(?:\.from_\w+)?\(")
_REQUIRED = ("rank", "scale", "dropout")


@rule(
    "mlx-lm-arguments",
    "error",
    "Arguments that mlx-lm's generation does not take",
    _PAGE + "mlx_lm/sample_utils.py",
    keywords=(*SAMPLING, *PROCESSING, *OTHERS),
    examples=(
        Example(
            f"{_STEP}y = generate_step(mx.array([1]), model, temp=0.5)",
            f"{_STEP}y = generate_step(mx.array([1]), model, sampler=make_sampler(temp=0.5))",
        ),
        Example(
            f"{_STEP}y = generate_step(mx.array([1]), model, max_tokens=3, temperature=0.5, top_p=0.9)",
            f"{_STEP}y = generate_step(mx.array([1]), model, max_tokens=3, sampler=make_sampler(temp=0.5, top_p=0.9))",
        ),
        Example(
            f"{_STEP}y = generate_step(mx.array([1]), model, max_new_tokens=3)",
            f"{_STEP}y = generate_step(mx.array([1]), model, max_tokens=3)",
        ),
        Example(
            f"{_STEP}from mlx_lm.sample_utils import make_logits_processors\n"
            "y = generate_step(mx.array([1]), model, repetition_penalty=1.1)",
            f"{_STEP}from mlx_lm.sample_utils import make_logits_processors\n"
            "y = generate_step(mx.array([1]), model, "
            "logits_processors=make_logits_processors(repetition_penalty=1.1))",
        ),
    ),
)
def mlx_lm_arguments(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find options of sampling given to ``generate``, which takes a sampler and processors of logits."""
    if call.name not in GENERATING or not _is_of(context, call.function, GENERATING, _PLACES):
        return
    wrong = [name for name in call.keywords if name in {**SAMPLING, **PROCESSING, **OTHERS}]
    if not wrong or is_guarded(context, call.node):
        return
    first = wrong[0]
    if first in OTHERS:
        said = f"Write {OTHERS[first]}."
    else:
        maker, argument, table = _maker(first)
        said = f"Write `{argument}={maker}({table[first]}=…)`, of `mlx_lm.sample_utils`."
    yield Finding(
        call.keywords[first].named_children[0], f"`{call.name}` of mlx-lm has no `{first}`: this raises. {said}",
        _fixes(context, call, wrong),
    )  # fmt: skip


def _maker(keyword: str) -> tuple[str, str, dict[str, str]]:
    if keyword in SAMPLING:
        return "make_sampler", "sampler", SAMPLING
    return "make_logits_processors", "logits_processors", PROCESSING


def _fixes(context: RuleContext, call: Call, wrong: list[str]) -> tuple[Fix, ...]:
    """Return the fix that makes one argument of all that are wrong; they have to follow each other."""
    first = wrong[0]
    if first in ("max_new_tokens", "max_length") and len(wrong) == 1 and "max_tokens" not in call.keywords:
        return (
            Fix("Write max_tokens", (replaced(call.keywords[first].named_children[0], "max_tokens"),), is_safe=False),
        )
    if first in OTHERS:
        return ()
    maker, argument, table = _maker(first)
    alias = context.alias(f"mlx_lm.sample_utils.{maker}", call.node)
    order = list(call.keywords)
    start = order.index(first)
    if not alias or order[start : start + len(wrong)] != wrong or not set(wrong) <= table.keys() or not call.is_whole:
        return ()
    if argument in call.keywords:
        return ()
    given = ", ".join(f"{table[one]}={text_of(call.value(one) or call.node)}" for one in wrong)
    nodes = [call.keywords[one] for one in wrong]
    edit = Edit(nodes[0].start_byte, nodes[-1].end_byte, f"{argument}={alias}({given})")
    return (Fix(f"Write {argument}={maker}(…)", (edit,), is_safe=False),)


def _is_of(context: RuleContext, function: Node, names: tuple[str, ...], places: tuple[str, ...]) -> bool:
    return context.external(function) in {place + name for place in places for name in names}


@rule(
    "mlx-lm-prompt",
    "error",
    "A list or a batch of tokens given to `generate_step`",
    _PAGE + "mlx_lm/generate.py",
    calls=("generate_step", "speculative_generate_step"),
    examples=(
        Example(
            f"{_LLAMA}{_STEP}y = next(generate_step([1, 2], net, max_tokens=1))[0]",
            f"{_LLAMA}{_STEP}y = next(generate_step(mx.array([1, 2]), net, max_tokens=1))[0]",
        ),
        Example(
            f"{_LLAMA}{_STEP}tokens = [1] * 2\ny = next(generate_step(prompt=tokens, model=net, max_tokens=1))[0]",
            f"{_LLAMA}{_STEP}tokens = [1] * 2\n"
            "y = next(generate_step(prompt=mx.array(tokens), model=net, max_tokens=1))[0]",
        ),
        Example(
            f"{_LLAMA}{_STEP}prompt = mx.array([1, 2])[None]\ny = next(generate_step(prompt, net, max_tokens=1))[0]",
            f"{_LLAMA}{_STEP}prompt = mx.array([1, 2])\ny = next(generate_step(prompt, net, max_tokens=1))[0]",
        ),
        Example(
            f"{_LLAMA}{_STEP}def ask(ids):\n    return next(generate_step(mx.array([ids]), net, max_tokens=1))[0]\n"
            "y = ask([1, 2])",
            f"{_LLAMA}{_STEP}def ask(ids):\n    return next(generate_step(mx.array(ids), net, max_tokens=1))[0]\n"
            "y = ask([1, 2])",
            is_fixed=False,
        ),
    ),
)
def mlx_lm_prompt(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find lists and batches given to ``generate_step``, which takes an array of the tokens of one prompt."""
    if not _is_of(context, call.function, ("generate_step", "speculative_generate_step"), _PLACES):
        return
    given = call.value("prompt") or (call.arguments[0] if call.arguments else None)
    if given is None:
        return
    value = context.value_of(given)
    if value is not None and _has_batch_axis(context, value):
        inner = field(value, "value") if value.type == "subscript" else None
        fix = Fix("Leave out the axis", (replaced(value, text_of(inner)),), is_safe=False) if inner else None
        yield Finding(
            given, f"`{call.name}` takes the tokens of one prompt, and adds the axis of the batch itself: with two "
            "axes this raises.", (fix,) if fix is not None else (),
        )  # fmt: skip
        return
    is_times = value is not None and value.type == "binary_operator" and value.named_children[0].type == "list"
    if is_times or (value is not None and value.type in ("list", "tuple", "list_comprehension")):
        mx = context.alias("mlx.core", call.node)
        text = f"{mx}.array({text_of(given)})"
        fixes = (Fix(f"Write {text}", (replaced(given, text),), is_safe=False),) if mx else ()
        yield Finding(given, f"`{call.name}` takes an array of tokens, and a list raises.", fixes)


def _has_batch_axis(context: RuleContext, value: Node) -> bool:
    """Return whether an expression is certain to have two axes: ``mx.array(tokens)[None]``, ``mx.array([tokens])``."""
    if axes_of(context, value) == 2:
        return True
    if value.type == "subscript":
        keys = value.children_by_field_name("subscript")
        rest_is_whole = all(text_of(one) in (":", "...") for one in keys[1:])
        inner = field(value, "value")
        return text_of(keys[0]) == "None" and rest_is_whole and inner is not None and _are_tokens(context, inner)
    call = call_of(value)
    if call is None or not call.arguments or not call.is_whole:
        return False
    name, first = context.name(call.function), call.arguments[0]
    if name == "mlx.core.expand_dims":
        axis = call.value("axis") or (call.arguments[1] if len(call.arguments) > 1 else None)
        return axis is not None and text_of(axis) == "0" and _are_tokens(context, first)
    if name == "mlx.core.array" and first.type == "list" and len(first.named_children) == 1:
        return _are_listed(context, first.named_children[0])
    return False


def _are_tokens(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is an array made of a list of tokens."""
    call = call_of(context.value_of(node))
    is_array = call is not None and context.name(call.function) == "mlx.core.array" and len(call.arguments) > 0
    return call is not None and is_array and _are_listed(context, call.arguments[0])


def _are_listed(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is a list of tokens: by its form, by what encodes a text, or by a plural name."""
    value = context.value_of(node) or node
    call = call_of(value)
    if call is not None:
        return call.name in ("encode", "apply_chat_template") and "return_tensors" not in call.keywords
    if isinstance(context.meaning(node), Group) or value.type in ("list", "list_comprehension"):
        return True
    return value.type == "identifier" and _PLURAL.search(text_of(value)) is not None


@rule(
    "lora-config",
    "error",
    "A LoRA configuration that lacks a key",
    _PAGE + "mlx_lm/tuner/utils.py",
    calls=("linear_to_lora_layers",),
    examples=(
        Example(
            f'{_LLAMA}linear_to_lora_layers(net, 1, {{"rank": 2, "scale": 1.0}})\ny = 1',
            f'{_LLAMA}linear_to_lora_layers(net, 1, {{"rank": 2, "scale": 1.0, "dropout": 0.0}})\ny = 1',
        ),
        Example(
            f'{_LLAMA}config = {{"rank": 2, "alpha": 16, "dropout": 0.0}}\n'
            "linear_to_lora_layers(net, 1, config)\ny = 1",
            f'{_LLAMA}config = {{"rank": 2, "scale": 8.0, "dropout": 0.0}}\n'
            "linear_to_lora_layers(net, 1, config)\ny = 1",
            is_fixed=False,
        ),
    ),
)
def lora_config(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find configurations of LoRA without ``rank``, ``scale`` or ``dropout``, none of which has a default."""
    given = call.value("config") or (call.arguments[2] if len(call.arguments) > 2 else None)
    made = context.value_of(given)
    if made is None or given is None or made.type != "dictionary" or not _is_lora(context, call.function):
        return
    pairs = [one for one in made.named_children if one.type != "comment"]
    keys = [literal_of(one.named_children[0]) if one.type == "pair" else None for one in pairs]
    missing = [name for name in _REQUIRED if name not in keys]
    if not missing or None in keys or is_guarded(context, call.node, ("KeyError",)):
        return
    if made != given and context.file.mentions(f"{text_of(given)}."):  # completed by a method
        return
    fixes: tuple[Fix, ...] = ()
    if missing == ["dropout"] and made == given:
        text = f'{text_of(made).rstrip("}").rstrip().rstrip(",")}, "dropout": 0.0}}'
        fixes = (Fix('Add "dropout": 0.0', (replaced(made, text),), is_safe=False),)
    named = " and ".join(f'`"{name}"`' for name in missing)
    yield Finding(given, f"The configuration needs {named}: this raises KeyError. `alpha` is `scale * rank`.", fixes)


def _is_lora(context: RuleContext, function: Node) -> bool:
    return _is_of(context, function, ("linear_to_lora_layers",), ("mlx_lm.tuner.utils.", "mlx_lm.tuner."))


@rule(
    "frozen-adapters",
    "warning",
    "A model frozen after its adapters were made",
    _PAGE + "mlx_lm/LORA.md",
    calls=("freeze",),
    examples=(
        Example(
            f"{_LLAMA}linear_to_lora_layers(net, 1, {_CONFIG})\nnet.freeze()\n{_TRAINED}",
            f"{_LLAMA}net.freeze()\nlinear_to_lora_layers(net, 1, {_CONFIG})\n{_TRAINED}",
            "len(y) > 0",
            "wrong",
        ),
        Example(
            f"{_LORA}def attach(net):\n    net.freeze()\n    net.head = LoRALinear(net.head)\n    net.freeze()\n"
            f"    return net\nnet = attach(Net())\n{_TRAINED}",
            f"{_LORA}def attach(net):\n    net.freeze()\n    net.head = LoRALinear(net.head)\n"
            f"    return net\nnet = attach(Net())\n{_TRAINED}",
            "len(y) > 0",
            "wrong",
            is_fixed=False,
        ),
    ),
)
def frozen_adapters(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find ``model.freeze()`` behind ``linear_to_lora_layers(model, …)``, which freezes the adapters too."""
    statement = call.node.parent
    if call.owner is None or call.arguments or call.keywords:
        return
    if not any(map(context.file.mentions, ("linear_to_lora_layers", "LoRA", "Lora", "DoRA", "Adapter"))):
        return
    if statement is None or statement.type != "expression_statement" or context.file.mentions("unfreeze"):
        return
    if not any(map(context.file.mentions, ("value_and_grad", "trainable_parameters"))):
        return
    earlier = statement.prev_named_sibling
    while earlier is not None:
        made = next((one for one in map(call_of, earlier.named_children) if one is not None), None)
        is_same = made is not None and made.arguments and text_of(made.arguments[0]) == text_of(call.owner)
        if made is not None and is_same and _is_lora(context, made.function):
            swap = (replaced(earlier, text_of(statement)), replaced(statement, text_of(earlier)))
            yield _frozen(call, (Fix("Freeze first", swap, is_safe=False),))
            return
        if _attaches(context, earlier, text_of(call.owner)):
            yield _frozen(call, ())
            return
        earlier = earlier.prev_named_sibling


def _frozen(call: Call, fixes: tuple[Fix, ...]) -> Finding:
    return Finding(
        call.node, "This freezes the adapters too, and nothing is left to train. Freeze the model before they are "
        "made.",
        fixes,
    )  # fmt: skip


def _attaches(context: RuleContext, statement: Node, model: str) -> bool:
    """Return whether a statement puts adapters into a model: it makes them, and sets them as members."""
    text, word = text_of(statement), re.escape(model)
    is_set = re.search(rf"\bsetattr\(\s*{word},|\b{word}\.update_modules\(|(?<![\w.]){word}\.[\w.\[\]]+ = ", text)
    if is_set is None or statement.type in ("function_definition", "class_definition", "decorated_definition"):
        return False
    return _ADAPTER.search(text) is not None and not context.file.mentions("def freeze(")


RULES = (mlx_lm_arguments, mlx_lm_prompt, lora_config, frozen_adapters)
