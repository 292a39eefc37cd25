"""End the process when its client has gone, whatever still runs."""

import os
import threading

#: Seconds in which what runs in threads may come to its end: an index being read, a file being written.
_GRACE_S = 1.0


def end_soon() -> None:
    """End the process in a moment: threads that read an index, or wait for a process, would hold it for longer.

    Its exit status is 0: that the client has gone is no error of the server.
    """
    timer = threading.Timer(_GRACE_S, os._exit, (0,))
    timer.daemon = True
    timer.start()
