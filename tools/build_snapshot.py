"""Write the index of the installed MLX into tenny_lsp/data, for machines where MLX is not installed."""

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory

from tenny_lsp.data import FOLDER
from tenny_lsp.mlx_api.index import SNAPSHOT, load_index

TARGET = FOLDER / SNAPSHOT


def main() -> None:
    """Build the snapshot; the same MLX gives the same bytes."""
    with TemporaryDirectory() as cache:
        index = load_index("mlx", cache=Path(cache))
    TARGET.write_bytes(gzip.compress(index.to_bytes(), mtime=0))
    print(f"{TARGET.name}: mlx {index.version}, {len(index)} names, {TARGET.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
