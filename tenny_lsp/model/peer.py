"""Say which user is at the other end of a Unix-domain socket."""

import socket
import struct
import sys

#: On macOS and BSD: the level of such sockets, the option, and the size of ``struct xucred``.
_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES = 0, 1, 76


def peer_uid(connection: socket.socket) -> int:
    """Return the user id of the process at the other end, or of the one that listens there.

    Raises:
        OSError: The system does not say.
    """
    if sys.platform == "linux":
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _, uid, _ = struct.unpack("3i", credentials)
    elif sys.platform == "win32":
        raise OSError("Windows does not say whose socket it is")
    else:
        _, uid = struct.unpack_from("=II", connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES))
    return int(uid)
