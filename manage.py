#!/usr/bin/env python
"""Run Dubber's commands: `python manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line

from dubber.env import WrongSetting


def main() -> None:
    """Run the command on the command line; a wrong setting is one sentence, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubber.settings")
    try:
        execute_from_command_line(sys.argv)
    except WrongSetting as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
