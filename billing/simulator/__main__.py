"""`python -m billing.simulator --port 12111`: the simulator as a process of its own."""

from __future__ import annotations

import argparse

from billing.simulator.server import running


def main() -> None:
    """Listen until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m billing.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111)
    options = parser.parse_args()
    with running(options.host, options.port):
        import threading

        threading.Event().wait()


if __name__ == "__main__":
    main()
