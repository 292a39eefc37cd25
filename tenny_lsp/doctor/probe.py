"""What doctor runs in a process of its own: imports MLX, multiplies, and writes a line of JSON on stdout."""

import json
import sys
from dataclasses import asdict

from tenny_lsp.errors import ModelUnavailable
from tenny_lsp.model.runtime import measure, prepare, thread_count


def main() -> None:
    """Write how MLX runs and how fast; end with status 1 and a line on stderr where it cannot be imported."""
    runtime = prepare()
    try:
        measurement = measure()
    except ModelUnavailable as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps({**asdict(runtime), **asdict(measurement), "threads": thread_count()}) + "\n")


if __name__ == "__main__":
    main()
