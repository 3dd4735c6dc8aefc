"""What the web server runs."""

import os
import sys

from django.core.wsgi import get_wsgi_application

from dubber.env import WrongSetting

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dubber.settings")

# gunicorn starts a dead worker again for ever, except after this code (gunicorn.arbiter.Arbiter).
WORKER_BOOT_ERROR = 3

try:
    application = get_wsgi_application()
    from dubber.startup import NotReady, require_ready

    try:
        require_ready()
    except NotReady as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WORKER_BOOT_ERROR)
except WrongSetting as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(WORKER_BOOT_ERROR)
