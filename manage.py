#!/usr/bin/env python3
"""Django's command line for this project."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent / ".venv" / "bin" / "python"


def main() -> None:
    """Run a management command, in the project's own environment when the present one has no Django."""
    if find_spec("django") is None:
        if not ENVIRONMENT.exists():
            sys.exit("Django is not installed. Run bin/dev once: it makes the environment in .venv.")
        os.execv(ENVIRONMENT, [str(ENVIRONMENT), *sys.argv])  # noqa: S606  (no shell is wanted)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
