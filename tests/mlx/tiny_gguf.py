"""Write a tiny model as a GGUF file: ``python -m tests.mlx.tiny_gguf FILE``."""

import sys
import tempfile
from pathlib import Path

from tests.mlx.conftest import write_base
from tests.mlx.gguf_writer import write_gguf
from tests.mlx.test_gguf import tiny

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        write_gguf(Path(sys.argv[1]), *tiny(write_base(Path(folder, "base"))))
