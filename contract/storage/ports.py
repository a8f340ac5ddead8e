"""Ports for servers that tests start."""

import random
import socket


def free_port() -> int:
    """Return a port of this machine that is free at this moment.

    It is below the ports that kernels give to outgoing connections (Linux: from 32768, RFC 6335:
    from 49152). One of those could be taken by a connection before the server listens. xtask
    chooses from those below 28000.
    """
    while True:
        port = random.randrange(28000, 32768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
