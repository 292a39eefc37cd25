"""How fast a base reads a prompt and writes: Tenny's worker, `mlx_lm.generate` as it comes, and llama.cpp.

    python -m benchmarks.decode_speed --gguf SmolLM2-135M-Instruct.Q4_1.gguf

One after the other, in turns, on a quiet machine and beside a process that keeps one core busy. llama.cpp takes part
where `llama-cpp-python` can be imported by ``--llama-python`` and the same weights are given as ``--gguf``.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.machine import machine, today
from tenny_lsp import locations
from tenny_lsp.model.client import WorkerModel, WorkerOptions

RESULTS = Path(__file__).parent / "results" / "decode_speed.json"
NEW_TOKENS = 64
#: About 200 tokens of prose that repeats little: Tenny's drafts from what it has read are of no use here.
PROMPT = """An array library gives names to what one would otherwise write as loops. A matrix product is one call, and
whoever reads it sees at once what goes in and what comes out. Behind that call somebody has thought about
caches, about registers, about how many rows fit before memory becomes slower than arithmetic. Lazy
evaluation goes further: nothing is computed until a value is wanted, so a long expression may be fused,
reordered or dropped altogether. The price is that an error shows itself late, far from the line that caused
it, and that timing a single statement measures nothing but the building of a graph. Random numbers need
care as well, since a key that is used twice draws the same sample twice. Types matter more than beginners
expect: half precision doubles the speed of everything and loses small differences, which is harmless for
activations and ruinous for sums over a long axis. For these reasons a good tutorial begins with"""

_MLX_LM = """
import json, sys
from mlx_lm import load, stream_generate
model, tokenizer = load(sys.argv[1])
for tokens in (4, int(sys.argv[3])):
    *_, last = stream_generate(model, tokenizer, sys.argv[2], max_tokens=tokens)
print(json.dumps([last.prompt_tps, last.generation_tps, last.generation_tokens]))
"""

_LLAMA = """
import json, sys, time
from llama_cpp import Llama
llama = Llama(sys.argv[1], n_ctx=1024, verbose=False)
prompt = llama.tokenize(sys.argv[2].encode())
for tokens in (4, int(sys.argv[3])):
    llama.reset()
    start = time.perf_counter()
    stream = llama.generate(prompt, temp=0.0)
    next(stream)
    first = time.perf_counter()
    for _ in range(tokens - 1):
        next(stream)
    end = time.perf_counter()
print(json.dumps([len(prompt) / (first - start), (tokens - 1) / (end - first), tokens]))
"""


async def tenny(folder: Path, prompt_tokens: int) -> list[float]:
    """Return prefill and decode of Tenny's worker, in tokens per second, and the tokens written."""
    model = WorkerModel(WorkerOptions(folder, None, deadline_s=600))
    try:
        async for _ in model.write("x", max_tokens=4):
            pass
        start_s, times = time.perf_counter(), []
        async for _ in model.write(PROMPT, max_tokens=NEW_TOKENS):
            times.append(time.perf_counter())
    finally:
        await model.close()
    return [prompt_tokens / (times[0] - start_s), (len(times) - 1) / (times[-1] - times[0]), len(times)]


def run(python: str, code: str, model: Path) -> list[float]:
    """Return what another runtime prints."""
    command = [python, "-c", code, str(model), PROMPT, str(NEW_TOKENS)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    values: list[float] = json.loads(printed.strip().splitlines()[-1])
    return values


@contextlib.contextmanager
def busy(is_busy: bool) -> Iterator[None]:
    """Keep one core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if is_busy else None
    try:
        yield
    finally:
        if process is not None:
            process.kill()
            process.wait()


def main() -> None:
    """Print a table and write every run to ``results/decode_speed.json``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=locations.SMOLLM2)
    parser.add_argument("--gguf", type=Path)
    parser.add_argument("--llama-python", default=sys.executable, help="an interpreter with llama-cpp-python")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    folder = locations.base_folder(arguments.model)
    from tokenizers import Tokenizer

    prompt_tokens = len(Tokenizer.from_file(str(folder / "tokenizer.json")).encode(PROMPT).ids)
    sides = {
        "Tenny": lambda: asyncio.run(tenny(folder, prompt_tokens)),
        "mlx_lm.generate": lambda: run(sys.executable, _MLX_LM, folder),
    }
    if arguments.gguf:
        sides["llama.cpp"] = lambda: run(arguments.llama_python, _LLAMA, arguments.gguf)
    runs: dict[str, dict[str, list[list[float]]]] = {}
    for _ in range(arguments.repeats):
        for state in ("quiet", "one core busy"):
            for name, measure in sides.items():
                with busy(state != "quiet"):
                    runs.setdefault(state, {}).setdefault(name, []).append(measure())
    print("| | | prefill, tokens/s | decode, tokens/s |\n|---|---|---:|---:|")
    for state, by_name in runs.items():
        for name, rows in by_name.items():
            prefill, decode = (statistics.median(row[place] for row in rows) for place in (0, 1))
            print(f"| {state} | {name} | {prefill:.0f} | {decode:.1f} |")
    about = {"date": today(), "machine": machine(), "model": arguments.model, "prompt tokens": prompt_tokens}
    RESULTS.write_text(json.dumps(about | {"runs": runs}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
