"""What every installation shares. `dev`, `test` and `prod` add to it; values of an operator come from `config`."""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _

from .config import read_config
from .database import database_settings

BASE_DIR = Path(__file__).resolve().parent.parent.parent
CONFIG = read_config(os.environ)
HIGHWAY_HOME = CONFIG.paths_home or BASE_DIR / "var"
HIGHWAY_MAX_BODY_BYTES = CONFIG.web_max_body_bytes or 2 * 1024 * 1024
HIGHWAY_QUEUES = CONFIG.worker_queues or ("default",)
HIGHWAY_SLOTS = CONFIG.worker_slots or 8
HIGHWAY_SERVICES_FILE = CONFIG.paths_services
HIGHWAY_IDEMPOTENCY_DAYS = 7

# --- Apps. pgtrigger stands before the tenants app: it patches the migration commands that django-tenants replaces. -------
SHARED_APPS = [
    "highway_platform",
    "pgtrigger",
    "unfold",  # before django_tenants, which brings templates of the administration too
    "django_tenants",
    "tenants",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "ninja",
]
TENANT_APPS = ["django.contrib.contenttypes", "workflows"]
INSTALLED_APPS = [*SHARED_APPS, *(app for app in TENANT_APPS if app not in SHARED_APPS)]

TENANT_MODEL = "tenants.Tenant"
TENANT_DOMAIN_MODEL = "tenants.Domain"
TENANT_LIMIT_SET_CALLS = True
DATABASE_ROUTERS = ["django_tenants.routers.TenantSyncRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database: the web's role is the default; commands that change the schema become another (kit.database.act_as). -------
DATABASES = {"default": database_settings(CONFIG.database_url, pool_size=CONFIG.database_pool_size or 8)}
HIGHWAY_POOLER_KEEPS_SESSIONS = bool(CONFIG.database_pooler_keeps_sessions)
HIGHWAY_DATABASE_URLS = {
    "web": CONFIG.database_url,
    "migrate": CONFIG.database_migrate_url,
    "worker": CONFIG.database_worker_url,
}
HIGHWAY_SQL_MIGRATIONS = BASE_DIR / "sql" / "migrations"

# --- Requests ------------------------------------------------------------------------------------------------------------
MIDDLEWARE = [
    "highway_platform.kit.requests.RequestIdMiddleware",
    "highway_platform.kit.rest.errors.ApiErrorShapeMiddleware",
    "tenants.middleware.TenantMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # pads at random, so that the length tells nothing about a secret in the page
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "tenants.middleware.AccessMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "highway_platform.urls"
PUBLIC_SCHEMA_URLCONF = "highway_platform.urls"
HIGHWAY_TENANT_URLCONF = "highway_platform.tenant_urls"
ASGI_APPLICATION = "highway_platform.asgi.application"
DATA_UPLOAD_MAX_MEMORY_SIZE = HIGHWAY_MAX_BODY_BYTES
ALLOWED_HOSTS = list(CONFIG.web_hosts or ())
CSRF_TRUSTED_ORIGINS = list(CONFIG.web_trusted_origins or ())

# --- People --------------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "tenants.adapter.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"

# --- Pages ---------------------------------------------------------------------------------------------------------------
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": ["django_cotton.templatetags.cotton", "template_partials.templatetags.partials"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "highway_platform.appearance.appearance",
            ],
        },
    }
]
COTTON_DIR = "components"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "highway_platform.kit.assets.AssetFinder",  # app.css and app.js, joined from the components
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
]
UNFOLD = {"SITE_TITLE": "Highway Platform", "SITE_HEADER": "Highway Platform", "SITE_URL": "/"}
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
TIME_ZONE = "UTC"
USE_TZ = True

# --- Walls in the browser: no inline script or style without this answer's nonce, no string becomes code. -----------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["htmx"],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "KEY_FUNCTION": "django_tenants.cache.make_key",
        "REVERSE_KEY_FUNCTION": "django_tenants.cache.reverse_key",
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
