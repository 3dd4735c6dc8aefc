"""What the web server runs."""

import os
import sys

import django
from django.core.handlers.wsgi import WSGIHandler

from dubber.env import WrongSetting
from dubber.startup import NotReady, require_ready

# gunicorn starts a dead worker again for ever, except after this code (gunicorn.arbiter.Arbiter).
WORKER_BOOT_ERROR = 3

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubber.settings")
try:
    django.setup(set_prefix=False)
    require_ready()
except (WrongSetting, NotReady) as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(WORKER_BOOT_ERROR)

application = WSGIHandler()
