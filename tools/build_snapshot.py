"""Write the index of the installed MLX into tenny_lsp/data, for machines where MLX is not installed."""

import gzip

from tenny_lsp.data import FOLDER
from tenny_lsp.mlx_api.environment import find_installed
from tenny_lsp.mlx_api.index import SNAPSHOT, extract, sources_sha256

TARGET = FOLDER / SNAPSHOT


def main() -> None:
    """Build the snapshot; the same MLX gives the same bytes."""
    installed = find_installed("mlx")
    index = extract(installed)
    TARGET.write_bytes(gzip.compress(index.to_bytes(sources_sha256(installed)), mtime=0))
    print(f"{TARGET.name}: mlx {index.version}, {len(index)} names, {TARGET.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
