"""Ports for servers that tests start."""

import atexit
import random
import socket
from collections.abc import Iterator
from threading import Lock

ONE_AT_A_TIME = Lock()


def free_port() -> int:
    """Return a port of this machine that is free, and that no other test gets.

    It is below the ports that kernels give to outgoing connections (Linux: from 32768, RFC 6335:
    from 49152). One of those could be taken by a connection before the server listens. xtask
    chooses from those below 28000.
    """
    with ONE_AT_A_TIME:
        return next(PORTS)


def free_ports() -> Iterator[int]:
    """Yield the free ports of blocks of 32. The process that binds the first one has the block."""
    while True:
        first = random.randrange(28000, 32768, 32)
        block = socket.socket()
        if not binds(block, first):
            block.close()
            continue
        # Until this process ends.
        atexit.register(block.close)
        for port in range(first + 1, first + 32):
            with socket.socket() as probe:
                free = binds(probe, port)
            if free:
                yield port


def binds(probe: socket.socket, port: int) -> bool:
    """Bind the port. Return False if it is taken."""
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


PORTS = free_ports()
