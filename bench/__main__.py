"""`bin/bench NAME [--json] [--save]`: run one benchmark and print what it found."""

import argparse
import importlib
import sys
from typing import Final

from bench.plot import keep
from bench.report import Report

# Each module has `run() -> Report`.
BENCHES: Final = {
    "request": "bench.request",
    "import": "bench.imports",
    "lifecycle": "bench.lifecycle",
    "migrate": "bench.migrate",
    "scale": "bench.scale",
    "provision": "bench.provision",
    "usage": "bench.usage",
    "stripe": "bench.stripe",
    "search": "bench.search",
}


def main() -> int:
    """Run the benchmark that was named."""
    options = _options()
    report: Report = importlib.import_module(BENCHES[options.name]).run()
    print(report.as_json() if options.json else report.as_text())
    if options.save:
        keep(report)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measure the platform on this machine.")
    parser.add_argument("name", choices=BENCHES, help="what to measure")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument(
        "--save",
        action="store_true",
        help="also keep it in bench/results.json, and draw bench/results.svg anew",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
