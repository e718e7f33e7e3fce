"""Ports on the loopback address."""

from __future__ import annotations

import secrets
import socket

LOOPBACK = "127.0.0.1"
# Below those that systems hand to clients: else a connection of somebody's may have it by the time it is listened on.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return not accepts(port)


def accepts(port: int) -> bool:
    """Whether somebody answers on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
