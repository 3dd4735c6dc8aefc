"""Our settings, but for what the bare view goes without."""

from dubber.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.bare"
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]  # which tells the length
