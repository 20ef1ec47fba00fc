"""Settings of an installation: TLS only, everything an operator must decide is required."""

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import CONFIG
from .secret_key import read_secret_key

if CONFIG.web_secret_key_file is None:
    raise ImproperlyConfigured("set HIGHWAY_SECRET_KEY_FILE, or secret_key_file below [web] in config.ini")

DEBUG = False
SECRET_KEY = read_secret_key(CONFIG.web_secret_key_file)
SECURE_SSL_REDIRECT = True
if CONFIG.web_behind_tls_proxy:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-session"
CSRF_COOKIE_NAME = "__Host-csrf"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
