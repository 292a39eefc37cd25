"""Calls that do not fit the definition of what they call: of the workspace, or of a package on MLX such as mlx-lm."""

from collections.abc import Iterator
from difflib import get_close_matches

from tenny_lsp.inference.packages import definition_of, is_of_package, lacks, module_of
from tenny_lsp.pitfalls.arities import Arity
from tenny_lsp.pitfalls.calls import Call
from tenny_lsp.pitfalls.context import RuleContext
from tenny_lsp.pitfalls.definitions import Definition, definition_called
from tenny_lsp.pitfalls.edits import Fix, replaced
from tenny_lsp.pitfalls.guards import is_guarded
from tenny_lsp.pitfalls.rule import Example, Finding, rule
from tenny_lsp.source.syntax import Node, field, text_of

_PAGE = "https://github.com/ml-explore/mlx-lm/blob/main/"
#: Up to how many parameters a message lists.
_FEW = 8
#: How much of a name must be given for it to be meant.
_STEM = 3
_SAMPLE = "from mlx_lm.sample_utils import make_sampler\n"
_BLOCK = (
    "class Block(nn.Module):\n    def __init__(self, dims):\n        super().__init__()\n"
    "        self.up = nn.Linear(dims, dims)\n    def __call__(self, x, mask=None):\n        return self.up(x)\n"
)
_NET = (
    "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.block = Block({})\n"
    "    def __call__(self, x):\n        return self.block({})\n"
)
#: Name of mlx-lm → where it is now.
MOVED = {
    "generate": "mlx_lm", "stream_generate": "mlx_lm", "load": "mlx_lm", "convert": "mlx_lm",
    "batch_generate": "mlx_lm",
    "generate_step": "mlx_lm.generate", "speculative_generate_step": "mlx_lm.generate",
    "GenerationResponse": "mlx_lm.generate", "wired_limit": "mlx_lm.generate",
    "make_sampler": "mlx_lm.sample_utils", "make_logits_processors": "mlx_lm.sample_utils",
    "apply_top_p": "mlx_lm.sample_utils", "make_prompt_cache": "mlx_lm.models.cache",
    "load_prompt_cache": "mlx_lm.models.cache", "save_prompt_cache": "mlx_lm.models.cache",
    "trim_prompt_cache": "mlx_lm.models.cache", "KVCache": "mlx_lm.models.cache",
    "RotatingKVCache": "mlx_lm.models.cache", "QuantizedKVCache": "mlx_lm.models.cache",
    "create_attention_mask": "mlx_lm.models.base", "linear_to_lora_layers": "mlx_lm.tuner.utils",
    "load_adapters": "mlx_lm.tuner.utils", "LoRALinear": "mlx_lm.tuner.lora", "DoRALinear": "mlx_lm.tuner.dora",
    "TrainingArgs": "mlx_lm.tuner.trainer", "train": "mlx_lm.tuner.trainer", "load_model": "mlx_lm.utils",
    "load_tokenizer": "mlx_lm.utils", "TokenizerWrapper": "mlx_lm.tokenizer_utils", "save_model": "mlx_lm.utils",
    "quantize_model": "mlx_lm.utils", "dequantize_model": "mlx_lm.utils", "load_config": "mlx_lm.utils",
}  # fmt: skip


@rule(
    "wrong-arguments",
    "error",
    "Arguments that the function called does not take",
    _PAGE + "README.md",
    calls=("*",),
    is_general=True,
    examples=(
        Example(
            _BLOCK + _NET.format("3", "x, masks=None") + "y = Net()(x)",
            _BLOCK + _NET.format("3", "x, mask=None") + "y = Net()(x)",
            "y.shape == (2, 3)",
        ),
        Example(
            _BLOCK + _NET.format("", "x") + "y = Net()(x)", _BLOCK + _NET.format("3", "x") + "y = Net()(x)",
            "y.shape == (2, 3)", is_fixed=False,
        ),
        Example(
            "def scaled(a, by):\n    return a * by\ny = scaled(x, 2, 3)",
            "def scaled(a, by):\n    return a * by\ny = scaled(x, 2)",
            "y.shape == (2, 3)", is_fixed=False,
        ),
        Example(
            f"{_SAMPLE}y = make_sampler(temperature=0.7)(mx.log(mx.softmax(x)))",
            f"{_SAMPLE}y = make_sampler(temp=0.7)(mx.log(mx.softmax(x)))",
            "y.shape == (2,)",
        ),
        Example(
            "from mlx_lm.tuner.lora import LoRALinear\ny = LoRALinear.from_base(model, rank=4)(x)",
            "from mlx_lm.tuner.lora import LoRALinear\ny = LoRALinear.from_base(model, r=4)(x)",
            "y.shape == (2, 2)", is_fixed=False,
        ),
    ),
)  # fmt: skip
def wrong_arguments(context: RuleContext, call: Call) -> Iterator[Finding]:
    """Find calls of functions, classes and modules of the workspace and of packages on MLX that these do not take."""
    if call.listed.has_error or any("splat" in child.type for child in call.listed.named_children):
        return
    found = definition_called(context, call)
    if found is None or found.arity.takes(len(call.arguments), call.keywords) or _is_expected(context, call):
        return
    arity, count = found.arity, len(call.arguments)
    given = arity.placed[:count]
    unknown = [name for name in call.keywords if not arity.takes_any and name not in {*arity.placed, *arity.named}]
    twice = next((name for name in call.keywords if name in given), "")
    missing = [name for name in arity.placed if name in arity.required and name not in {*given, *call.keywords}]
    missing += sorted(name for name in arity.named if name in arity.required and name not in call.keywords)
    if unknown:
        yield _of_keyword(call, found, unknown[0])
    elif twice:
        yield Finding(call.keywords[twice], f"`{found.name}` is given `{twice}` twice, by its place and by its name.")
    elif count > len(arity.placed) and not arity.takes_more:
        takes = f"takes {len(arity.placed) or 'none'} by place" if arity.placed else "takes nothing by place"
        yield Finding(call.arguments[len(arity.placed)], f"`{found.name}` {takes}, and {count} are given: this raises.")
    elif missing:
        named = " and ".join(f"`{one}`" for one in missing[:_FEW])
        yield Finding(call.listed, f"`{found.name}` needs {named}, which is not given here: this raises.")


def _is_expected(context: RuleContext, call: Call) -> bool:
    """Return whether the file is prepared for a call that does not fit: it asks for signatures, or tests errors."""
    is_tested = any(map(context.file.mentions, ("inspect.signature", "assertRaises(", "pytest.raises(")))
    is_replaced = any(map(context.file.mentions, ("patch(", ".__call__ = ", ".__init__ = ")))
    if call.owner is not None and text_of(call.owner) != "self":
        is_replaced = is_replaced or context.file.mentions(f"{text_of(call.function)} = ")
    return is_tested or is_replaced or is_guarded(context, call.node)


def _of_keyword(call: Call, found: Definition, name: str) -> Finding:
    """Return what to say of a keyword that a function does not have, with the fix where one is like it."""
    left = _left(found.arity, call)
    keyword = call.keywords[name].named_children[0]
    likely = [
        one for one in left if min(len(one), len(name)) >= _STEM and (name.startswith(one) or one.startswith(name))
    ]
    alike = likely if len(likely) == 1 else get_close_matches(name, left, 1, 0.75)
    said = f"; it has {', '.join(f'`{one}`' for one in left)}" if 0 < len(left) <= _FEW else ""
    fixes = (Fix(f"Write {alike[0]}=", (replaced(keyword, alike[0]),), is_safe=False),) if alike else ()
    said = f"; it has `{alike[0]}`" if alike else said
    return Finding(keyword, f"`{found.name}` has no argument `{name}`{said}: this raises.", fixes)


def _left(arity: Arity, call: Call) -> list[str]:
    """Return the parameters that could be given by name, and are not given."""
    open_ones = [*arity.placed[len(call.arguments) :], *sorted(arity.named)]
    return [one for one in open_ones if one not in call.keywords]


@rule(
    "moved-import",
    "error",
    "An import of a name that the installed package does not have",
    _PAGE + "README.md",
    kinds=("import_from_statement",),
    examples=(
        Example(
            "from mlx_lm.utils import make_sampler\ny = make_sampler(temp=0.7)",
            "from mlx_lm.sample_utils import make_sampler\ny = make_sampler(temp=0.7)",
        ),
        Example(
            "from mlx_lm.utils import generate_step as step\ny = 1",
            "from mlx_lm.generate import generate_step as step\ny = 1",
        ),
    ),
)
def moved_import(context: RuleContext, node: Node) -> Iterator[Finding]:
    """Find imports of names that a package on MLX, such as mlx-lm, does not have where it is asked for them."""
    path, names = field(node, "module_name"), node.children_by_field_name("name")
    place = text_of(path) if path is not None else ""
    evaluator = context.evaluator
    if path is None or path.type != "dotted_name" or not is_of_package(evaluator, place):
        return
    if module_of(evaluator, place) is None or is_guarded(context, node, ("Error",)):
        return
    for given in names:
        name = text_of(field(given, "name") or given)
        if evaluator.finds_any([place]) or not lacks(evaluator, place, name):
            continue
        moved = MOVED.get(name, "") if place.startswith("mlx_lm") else ""
        moved = moved if moved and definition_of(evaluator, f"{moved}.{name}") is not None else ""
        said = f": `{moved}` has it." if moved else "."
        fix = Fix(f"Import it from {moved}", (replaced(path, moved),), is_safe=False)
        yield Finding(
            given, f"`{place}`, as it is installed, has no `{name}`{said}", (fix,) if moved and len(names) == 1 else ()
        )


RULES = (wrong_arguments, moved_import)
