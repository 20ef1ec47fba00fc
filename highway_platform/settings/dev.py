"""Settings of a developer's machine and of `make run`: loopback only, secret key made at the first start."""

from .base import *  # noqa: F403
from .base import ALLOWED_HOSTS as _CONFIGURED_HOSTS
from .base import CONFIG, HIGHWAY_HOME
from .secret_key import read_or_make_secret_key

DEBUG = False
SECRET_KEY = read_or_make_secret_key(CONFIG.web_secret_key_file or HIGHWAY_HOME / "secret_key")
ALLOWED_HOSTS = _CONFIGURED_HOSTS or ["localhost", "127.0.0.1", "[::1]"]
STATIC_ROOT = None  # type: ignore[assignment]  # files are served from where they lie
WHITENOISE_USE_FINDERS = True
