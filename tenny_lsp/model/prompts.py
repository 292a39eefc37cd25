"""Every word that is ever put to a model: training and serving both build their prompts here.

The form is the book's: ``Q: What is ReLU in mlx?`` then ``A: mlx.nn.ReLU Applies …``. A prompt ends with
``A:``; a completion starts with a space and is ended by the tokenizer's end-of-sequence token.
"""

#: What the completion of a prompt starts after. Loss is taken on what follows it.
SEPARATOR = "\nA:"

#: A model that goes on to ask itself the next question has finished its answer.
QUESTION_STOP = ("\nQ:",)

#: Question wordings by kind. ``{name}`` is an MLX name, ``{foreign}`` a torch, numpy or jax name.
WORDINGS: dict[str, tuple[str, ...]] = {
    "what": (
        "What is {name} in mlx?",
        "What does {name} do in mlx?",
        "What does {name} do?",
        "Explain {name}.",
        "Describe {name} in MLX.",
        "What is {name} used for?",
        "Tell me what {name} does.",
        "In MLX, what is {name}?",
        "Summarize {name} in one sentence.",
        "When would I use {name}?",
        "I saw {name} in some MLX code. What is it?",
        "Can you explain {name} from Apple MLX?",
    ),
    "arguments": (
        "What are the arguments of {name}?",
        "Which parameters does {name} take?",
        "What do I pass to {name} in mlx?",
    ),
    "returns": (
        "What does {name} return?",
        "What is the return value of {name} in mlx?",
        "What do I get back from {name}?",
    ),
    "call": (
        "How do I call {name}?",
        "What is the signature of {name}?",
        "Show me how {name} is called in mlx.",
    ),
    "foreign": (
        "What is the MLX equivalent of {foreign}?",
        "What replaces {foreign} in mlx?",
        "How do I write {foreign} in MLX?",
        "Which MLX name should I use instead of {foreign}?",
    ),
}

#: The customary import aliases of MLX code, by module.
CUSTOMARY_ALIASES = {
    "mlx.core": "mx",
    "mlx.nn": "nn",
    "mlx.optimizers": "optim",
}


def question_prompt(question: str) -> str:
    """Returns the prompt for a question, ready to be completed."""
    return f"Q: {question.strip()}{SEPARATOR}"


def completion(answer: str) -> str:
    """Returns an answer in the form a model is trained to give it."""
    return f" {answer.strip()}"


def customary_name(qualified_name: str) -> str:
    """Returns the name as MLX code spells it: ``mlx.core.fast.rope`` becomes ``mx.fast.rope``."""
    for module, alias in CUSTOMARY_ALIASES.items():
        if qualified_name == module or qualified_name.startswith(module + "."):
            return alias + qualified_name[len(module) :]
    return qualified_name


def hover_prompt(qualified_name: str) -> str:
    """Returns the prompt whose completion a hover shows; the first wording a model is trained on."""
    return question_prompt(WORDINGS["what"][0].format(name=customary_name(qualified_name)))
