"""Build every prompt of a model, for training and for serving.

A prompt is a question to be answered, ``Q: What is ReLU in mlx?`` then ``A: mlx.nn.ReLU Applies …``. It ends with
``A:``; a completion starts with a space and is ended by the tokenizer's end-of-sequence token. Where the question's
answer stands in documentation, that stands above it: a small model reads better than it remembers.
"""

import re

#: The end of a prompt; the loss is computed on what follows it.
SEPARATOR = "\nA:"

#: The end of a prompt for a remark.
ROAST_SEPARATOR = "\n\n#response\n\n"

#: The possible sentiments of a text.
SENTIMENTS = ("Positive", "Negative", "Neutral")

#: A completion ends where the model goes on to ask the next question.
QUESTION_STOP = ("\nQ:",)

#: What stands before the first block of code.
_BLOCK = re.compile(r"^.*?```(?:python)?[ \t]*\n", re.DOTALL)

#: Question wordings by kind. ``{name}`` is an MLX name, ``{parameter}`` one of its parameters, ``{task}`` what somebody
#: wants to do, ``{foreign}`` a torch, numpy or jax name.
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
        "What is {name}?",
        "{name}?",
        "What's {name} good for?",
        "Give me a short description of {name}.",
        "Why would somebody call {name}?",
        "What is the purpose of {name} in MLX?",
        "Remind me what {name} is.",
        "Define {name}.",
        "What happens when I use {name}?",
        "Please describe what {name} computes.",
        "A colleague used {name}. What does it do?",
        "How does the documentation describe {name}?",
    ),
    "arguments": (
        "What are the arguments of {name}?",
        "Which parameters does {name} take?",
        "What do I pass to {name} in mlx?",
        "What does {name} expect as input?",
        "List the parameters of {name}.",
        "Which arguments can I give to {name}?",
        "What inputs does {name} need?",
        "Explain the arguments of {name} in MLX.",
    ),
    "parameter": (
        "What is {parameter} in {name}?",
        "What does the {parameter} argument of {name} do?",
        "What do I pass as {parameter} to {name}?",
        "Explain the parameter {parameter} of {name}.",
        "What is {parameter} for when I call {name}?",
        "What does {parameter} mean in {name}?",
    ),
    "returns": (
        "What does {name} return?",
        "What is the return value of {name} in mlx?",
        "What do I get back from {name}?",
        "What is the result of {name}?",
        "What type does {name} give back?",
        "What comes out of {name}?",
    ),
    "call": (
        "How do I call {name}?",
        "What is the signature of {name}?",
        "Show me how {name} is called in mlx.",
        "How is {name} used?",
        "Write a call of {name}.",
        "What does a call to {name} look like?",
    ),
    "example": (
        "How do I use {name}?",
        "Show me an example of {name}.",
        "Write a few lines that use {name}.",
        "Give me code with {name} in mlx.",
        "What does code with {name} look like?",
        "I need a small example of {name} from MLX.",
    ),
    "pitfall": (
        "What is wrong with this MLX code?",
        "Why does this not do what I want in mlx?",
        "How do I put this right in mlx?",
        "Is this how it is written in MLX?",
    ),
    "how": (
        "How do I {task} in mlx?",
        "How can I {task}?",
        "How to {task} with MLX?",
        "I want to {task}. What do I use?",
        "Which MLX function would {task}?",
        "What is the way to {task} in mlx?",
    ),
    "foreign": (
        "What is the MLX equivalent of {foreign}?",
        "What replaces {foreign} in mlx?",
        "How do I write {foreign} in MLX?",
        "Which MLX name should I use instead of {foreign}?",
        "Is there {foreign} in MLX?",
        "What is {foreign} called in mlx?",
        "I am porting {foreign} to MLX. What do I use?",
        "What do I use for {foreign} in mlx?",
    ),
}

#: Wordings of "what" for evaluation only: no training uses them.
UNSEEN_WORDINGS = (
    "Could you tell me about {name}?",
    "{name}: what is that for?",
    "Quick, what's {name} again?",
    "I forgot what {name} is about.",
    "Would you say in a few words what {name} stands for?",
)

#: A wording of "example" for evaluation only.
UNSEEN_EXAMPLE_WORDING = "Could you use {name} in a short piece of code?"


def prompt_of(question: str, documentation: str = "") -> str:
    """Return the prompt for a question, ready to be completed; the documentation that answers it comes first."""
    before = f"{documentation.strip()}\n\n" if documentation else ""
    return f"{before}Q: {question.strip()}{SEPARATOR}"


def roast_prompt(comment: str) -> str:
    """Return the prompt whose completion is a remark on a comment: ``#context … #response``.

    Headings of that form inside the comment are indented, so that the model takes them for text.
    """
    text = re.sub(r"^(#+[ \t]*(?:context|response)\b)", r" \1", comment.strip(), flags=re.IGNORECASE | re.MULTILINE)
    return f"#context\n\n{text}{ROAST_SEPARATOR}"


def roast_request(comment: str) -> str:
    """Return the message that tells a model which was trained on no remarks to make one on a comment."""
    return (
        "You are a dry, cynical programmer. Make one remark, of one or two short sentences, on the comment below: "
        "about the code, the comment or the industry, never about a person. Say something that its own words call for. "
        f"Answer with the remark alone, without quotation marks.\n\nComment:\n{comment.strip()}"
    )


def comment_prompt(remark: str) -> str:
    """Return the prompt whose completion is the comment that a remark was made on: ``#response … #context``."""
    return f"#response\n\n{remark.strip()}\n\n#context\n\n"


def sentiment_prompt(text: str) -> str:
    """Return the prompt whose completion is one of ``SENTIMENTS``."""
    return f"What is the sentiment of this text: {' '.join(text.split())}{SEPARATOR}"


def completion(answer: str) -> str:
    """Return an answer in the form that a model is trained to complete a prompt with."""
    return f" {answer.strip()}"


def code_completion(code: str) -> str:
    """Return code in the form that a model is trained to complete a prompt with: a block of its own lines."""
    return completion(f"```python\n{code.strip()}\n```")


def code_of(answer: str) -> str:
    """Return the code in an answer, that of its first block or all of it."""
    return _BLOCK.sub("", answer, count=1).partition("```")[0].strip("\n").rstrip()


def hover_question(name: str) -> str:
    """Return the question whose answer a hover shows, in the first wording that a model is trained on.

    Args:
        name (str): The name as MLX code spells it: ``mx.softmax``.
    """
    return WORDINGS["what"][0].format(name=name)
