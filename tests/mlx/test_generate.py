"""``tenny-lsp generate``: a prompt is continued in the terminal, as lora.py does."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mlx.conftest import write_base

PROMPT = "Q: What is mx.abs?\nA:"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("bases") / "base")


def generated(*arguments: str, status: int = 0) -> str:
    command = [sys.executable, "-m", "tenny_lsp", "generate", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def test_it_writes_what_the_likeliest_tokens_are(base: Path) -> None:
    from mlx_lm import generate, load

    model, tokenizer = load(str(base))
    expected = generate(model, tokenizer, PROMPT, max_tokens=20)

    assert generated("--model", str(base), "--prompt", PROMPT, "--num-tokens", "20", "--temp", "0") == f"{expected}\n"


def test_the_same_seed_draws_the_same_text_and_another_another(base: Path) -> None:
    drawn = [generated("--model", str(base), "-p", PROMPT, "-m", "12", "--seed", seed) for seed in ("1", "1", "2")]

    assert drawn[0] == drawn[1] != drawn[2]


def test_a_new_line_may_be_written_as_mlx_lm_takes_it(base: Path) -> None:
    plain, escaped = (
        generated("--model", str(base), "-p", prompt, "-m", "12") for prompt in (PROMPT, PROMPT.replace("\n", r"\n"))
    )

    assert plain == escaped


def test_so_small_a_share_that_only_the_likeliest_is_left(base: Path) -> None:
    arguments = ("--model", str(base), "-p", PROMPT, "-m", "12")

    assert generated(*arguments, "--top-p", "0.0001") == generated(*arguments, "--temp", "0")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--prompt", ""), 2, "the prompt is empty"),
        (("--prompt", "x", "--top-p", "0"), 2, "--top-p must be above 0"),
        (("--prompt", "x", "--model", "no-such-base"), 1, "no-such-base is neither a base"),
        (("--prompt", "x", "--adapter-path", "/no/such/adapter"), 1, "/no/such/adapter"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...], status: int, said: str) -> None:
    assert said in " ".join(generated(*arguments, status=status).split())
