"""Settings of the tests: as in development, with a key that is no secret and a cheap password hasher."""

from .base import *  # noqa: F403

DEBUG = False
SECRET_KEY = "the-tests-need-a-key-that-every-process-of-a-test-run-agrees-on"  # noqa: S105 - not a secret
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT = None  # type: ignore[assignment]  # files are served from where they lie
WHITENOISE_USE_FINDERS = True
