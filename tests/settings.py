"""The product's settings with what tests need otherwise: quick password hashes, static files straight from source."""

import os

from tests.servers import own_redis

os.environ["REDIS_URL"] = own_redis(os.environ["REDIS_URL"], os.environ.get("PYTEST_XDIST_WORKER", "master"))

from flywheel.settings import *  # noqa: F403
from flywheel.settings import INSTALLED_APPS, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.sample_room"]
JOB_HEARTBEAT_SECONDS = 1
JOB_LOST_AFTER_SECONDS = 3
