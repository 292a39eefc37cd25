"""Run the model worker: ``python -m tenny_lsp.worker --model FOLDER``.

Requests are JSON lines on stdin, events JSON lines on stdout (see ``tenny_lsp.model.wire``). When stdin ends, the
process ends, whatever it is doing. With ``--shared`` both are on every connection that is made to a socket, and the
process ends a while after the last one has ended.
"""

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from tenny_lsp.worker.clients import PipeClient
from tenny_lsp.worker.listening import LINGER_S, Listener
from tenny_lsp.worker.worker import Worker


def main() -> None:
    """Run the worker on this process's stdin and stdout, or on a socket."""
    parser = argparse.ArgumentParser(prog="python -m tenny_lsp.worker", description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True, help="the base model's folder")
    parser.add_argument("--shared", nargs=3, metavar=("FD", "PATH", "INODE"), help="the socket it listens on")
    parser.add_argument("--linger", type=float, default=LINGER_S, help="seconds without a client, with --shared")
    arguments = parser.parse_args()
    # Ctrl-C in a terminal goes to every process of the group; the client decides, by closing stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", TOKENIZERS_PARALLELISM="false")
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(levelname)s %(message)s")
    worker = Worker(arguments.model)
    if arguments.shared:
        descriptor, path, inode = arguments.shared
        worker.start()
        listener = socket.socket(fileno=int(descriptor))
        Listener(worker, listener, Path(path), int(inode), arguments.linger).serve()
        os._exit(0)
    # Model libraries print; what they print must not get into the protocol.
    events, requests = os.dup(1), os.dup(0)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    worker.start()
    worker.read(PipeClient(requests, events))
    os._exit(0)


if __name__ == "__main__":
    main()
