"""What mlx-lm returns and keeps, taken for something else: caches, models with their tokenizers, conversations."""

import re
from collections.abc import Iterator

from tenny_lsp.pitfalls.calls import Call, call_of, target_of
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import Example, Finding, rule
from tenny_lsp.pitfalls.traced import outer_value
from tenny_lsp.pitfalls.values import literal_of
from tenny_lsp.source.syntax import Node, field, text_of, up_to

_PAGE = "https://github.com/ml-explore/mlx-lm/blob/main/"
_NET = (
    "from mlx_lm.generate import generate_step\nfrom mlx_lm.models.cache import make_prompt_cache\n"
    "from mlx_lm.models.llama import Model, ModelArgs\n"
    'net = Model(ModelArgs(model_type="llama", hidden_size=8, num_hidden_layers=1, intermediate_size=8,\n'
    "            num_attention_heads=2, rms_norm_eps=1e-5, vocab_size=5))\n"
    "cache = make_prompt_cache(net)\nlist(generate_step(mx.array([1, 2]), net, max_tokens=2, prompt_cache=cache))\n"
)
#: What makes a cache, or a list of them.
_CACHES = tuple(
    f"mlx_lm.models.cache.{name}" for name in ("make_prompt_cache", "KVCache", "QuantizedKVCache", "RotatingKVCache")
)
_GENERATING = ("generate", "stream_generate")
_CHAT = "messages = [{'role': 'user', 'content': 'hi'}]\n"


@rule(
    "cache-step",
    "warning",
    "The `step` of a cache for what it holds",
    _PAGE + "mlx_lm/models/cache.py",
    attributes=("step",),
    examples=(
        Example(f"{_NET}y = cache[0].step - 1", f"{_NET}y = cache[0].offset - 1", "y == 3", "wrong"),
        Example(
            f"{_NET}y = [one.step for one in cache]", f"{_NET}y = [one.offset for one in cache]", "y == [4]", "wrong"
        ),
        Example(
            f"{_NET}class Chat:\n    def __init__(self):\n        self.cache = make_prompt_cache(net)\n"
            "    def used(self):\n        return self.cache[0].step\ny = Chat().used()",
            f"{_NET}class Chat:\n    def __init__(self):\n        self.cache = make_prompt_cache(net)\n"
            "    def used(self):\n        return self.cache[0].offset\ny = Chat().used()",
            "y == 0",
            "wrong",
        ),
    ),
)
def cache_step(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find ``step`` of a cache of mlx-lm's read, which is by how many places it grows at a time."""
    owner, name, outer = field(node, "object"), field(node, "attribute"), node.parent
    if owner is None or name is None or outer is None or not context.file.mentions("mlx_lm"):
        return
    if field(outer, "left") == node and outer.type in ("assignment", "augmented_assignment"):
        return
    if _counts_growth(outer):
        return
    if _is_cache(context, owner):
        fix = Fix("Write offset", (replaced(name, "offset"),), is_safe=False)
        yield Finding(
            name, "`step` is by how many places a cache grows at a time, 256; how many tokens it holds is `offset`.",
            (fix,),
        )  # fmt: skip


def _counts_growth(node: Node | None) -> bool:
    """Return whether an expression divides or multiplies, as one does that is about how a cache grows."""
    while node is not None and node.type in ("binary_operator", "parenthesized_expression"):
        if node.type == "binary_operator" and text_of(node.children[1]) in ("//", "%", "*"):
            return True
        node = node.parent
    return False


def _is_cache(context: RuleContext, node: Node) -> bool:
    """Return whether an expression is a cache that mlx-lm makes: by itself, by an index or in a loop."""
    if node.type == "subscript":
        keys = node.children_by_field_name("subscript")
        whole = field(node, "value")
        return len(keys) == 1 and keys[0].type != "slice" and whole is not None and _makes(context, whole, is_list=True)
    if node.type == "identifier":
        scope = next((one for one in context.scopes_around(node) if text_of(node) in one.bindings), None)
        bindings = scope.bindings[text_of(node)] if scope is not None else []
        if len(bindings) == 1 and bindings[0].steps == ("each",) and bindings[0].value is not None:
            return _makes(context, bindings[0].value, is_list=True)
    return _makes(context, node, is_list=False)


def _makes(context: RuleContext, node: Node, *, is_list: bool) -> bool:
    value = context.value_of_attribute(node) if node.type == "attribute" else _assigned(context, node)
    call = call_of(value)
    name = context.external(call.function) if call is not None else ""
    return name in (_CACHES[:1] if is_list else _CACHES[1:])


def _assigned(context: RuleContext, node: Node) -> Node | None:
    """Return what a name is assigned, once, in its scope or one around it; another expression as it is."""
    return outer_value(context, node) if node.type == "identifier" else node


@rule(
    "chat-as-prompt",
    "error",
    "A conversation given to mlx-lm as a prompt",
    _PAGE + "README.md",
    calls=_GENERATING,
    examples=(
        Example(
            f"from mlx_lm import generate\n{_CHAT}def ask(model, tok):\n"
            "    return generate(model, tok, messages)\ny = 1",
            f"from mlx_lm import generate\n{_CHAT}def ask(model, tok):\n"
            "    return generate(model, tok, tok.apply_chat_template(messages, add_generation_prompt=True))\ny = 1",
            outcome="undefined",
        ),
        Example(
            f"from mlx_lm import stream_generate\n{_CHAT}def ask(model, tok):\n"
            "    return list(stream_generate(model, tok, prompt=messages, max_tokens=9))\ny = 1",
            f"from mlx_lm import stream_generate\n{_CHAT}def ask(model, tok):\n"
            "    return list(stream_generate(model, tok, prompt=tok.apply_chat_template(messages, "
            "add_generation_prompt=True), max_tokens=9))\ny = 1",
            outcome="undefined",
        ),
    ),
)
def chat_as_prompt(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find lists of messages given to ``generate``, which takes a text or tokens."""
    given = call.value("prompt") or (call.arguments[2] if len(call.arguments) > 2 else None)
    if given is None or given.type not in ("identifier", "list"):
        return
    value = _assigned(context, given)
    first = value.named_children[0] if value is not None and value.type == "list" and value.named_children else None
    if first is None or first.type != "dictionary" or not re.search(r"[\"']role[\"']\s*:", text_of(first)):
        return
    if context.external(call.function).rpartition(".")[0] not in ("mlx_lm", "mlx_lm.generate", "mlx_lm.utils"):
        return
    tokenizer = call.value("tokenizer") or (call.arguments[1] if len(call.arguments) > 1 else None)
    fixes: tuple[Fix, ...] = ()
    if tokenizer is not None and not is_guarded(context, call.node):
        text = f"{text_of(tokenizer)}.apply_chat_template({text_of(given)}, add_generation_prompt=True)"
        fixes = (Fix("Apply the chat template", (replaced(given, text),), is_safe=False),)
    yield Finding(
        given, f"`{call.name}` takes a text or tokens, and these are messages: this raises. "
        "`tokenizer.apply_chat_template(messages, add_generation_prompt=True)` makes tokens of them.", fixes,
    )  # fmt: skip


@rule(
    "loaded-pair",
    "error",
    "What `mlx_lm.load` returns, unpacked into another number of names",
    _PAGE + "README.md",
    calls=("load",),
    examples=(
        Example(
            "from mlx_lm import load\ndef read(path):\n    model = load(path)\n    return model.parameters()\ny = 1",
            "from mlx_lm import load\ndef read(path):\n    model, _ = load(path)\n    return model.parameters()\ny = 1",
            outcome="undefined",
        ),
        Example(
            "from mlx_lm import load\ndef read(path):\n    model, tok, config = load(path)\n    return model\ny = 1",
            "from mlx_lm import load\ndef read(path):\n"
            "    model, tok, config = load(path, return_config=True)\n    return model\ny = 1",
            outcome="undefined", is_fixed=False,
        ),
    ),
)  # fmt: skip
def loaded_pair(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find the pair of a model and its tokenizer taken for the model, or for three."""
    left = target_of(call)
    if left is None or not call.is_whole or field(left.parent, "type") is not None:
        return
    if context.external(call.function) not in ("mlx_lm.load", "mlx_lm.utils.load") or is_guarded(context, call.node):
        return
    config = call.value("return_config")
    if config is not None and literal_of(config) is not False:
        return
    returns = "`load` returns a model and its tokenizer"
    if left.type == "pattern_list":
        count = len(left.named_children)
        if count != 2 and not any(one.type == "list_splat_pattern" for one in left.named_children):
            more = "; with `return_config=True` the configuration too" if count == 3 else ""
            yield Finding(left, f"{returns}{more}, and this unpacks {count}: it raises.")
    elif left.type == "identifier" and _is_used_as_model(context, left):
        fix = Fix("Unpack both", (replaced(left, f"{text_of(left)}, _"),), is_safe=False)
        yield Finding(left, f"{returns}, and here the pair is used as a model: this raises.", (fix,))


def _is_used_as_model(context: RuleContext, name: Node) -> bool:
    """Return whether a name, which is bound once, is called or asked for members in its scope."""
    scope = next(iter(context.scopes_around(name)), None)
    if scope is None or len(scope.bindings.get(text_of(name), ())) != 1 or up_to(name, "lambda") is not None:
        return False
    word = re.escape(text_of(name).encode())
    after = (scope.node.text or b"")[name.end_byte - scope.node.start_byte :]
    is_tuple = re.search(rb"(?<![\w.])%s *\[|= *%s *\n|\*%s\b" % (word, word, word), after) is not None
    members = rb"(?<![\w.])%s(?:\(|\.(?:parameters|eval|freeze|layers|model|trainable_parameters|apply|update|train)\b)"
    return not is_tuple and re.search(members % word, after) is not None


RULES = (cache_step, chat_as_prompt, loaded_pair)
