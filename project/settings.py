"""Settings of both sample sites for development and for the demo.

`OFFLOAD_SITE` says which one: `author`, if nothing is said, or `render`. Everything they write lies
under `var/` (another place: `OFFLOAD_VAR`): what both share there, and a folder of each.
"""

from __future__ import annotations

import os
from pathlib import Path

from offload.embedded import EmbeddedBroker
from project import sites
from project.environment import database, kept_address, secret_key, sqlite

BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("OFFLOAD_VAR", BASE_DIR / "var")).resolve()
SITE = sites.here()
FOLDER = VAR / SITE
FOLDER.mkdir(parents=True, exist_ok=True)

SECRET_KEY = sites.own_variable("SECRET_KEY", SITE) or secret_key(FOLDER / "secret_key")
DEBUG = os.environ.get("DEBUG", "1") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_results",
    "django_htmx",
    "offload",
    "project.dam",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "offload.browser.outage.DatabaseAway",
    "project.csp.content_security_policy",
]
# A browser sends cookies to every port of a host, so each site has its own.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{SITE}-session", f"{SITE}-csrf"
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {
    "default": (
        database(url)
        if (url := sites.own_variable("OFFLOAD_DATABASE", SITE))
        else sqlite(FOLDER / "db.sqlite3")
    ),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = FOLDER / "static"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "media"},
    },
    "offload": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "media" / "offload"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CELERY_BROKER_URL = os.environ.get("OFFLOAD_BROKER") or EmbeddedBroker(VAR / "broker").url
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = SITE
CELERY_RESULT_BACKEND = "django-db"
CELERY_RESULT_EXTENDED = True
CELERY_TASK_TRACK_STARTED = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_SERIALIZER = "json"
CELERY_EVENT_SERIALIZER = "json"
CELERY_TIMEZONE = TIME_ZONE

FAST = os.environ.get("OFFLOAD_PROFILE") == "fast"
LINK = sites.link(
    SITE,
    key=os.environ.get("LINK_KEY") or secret_key(VAR / "link_key"),
    address=kept_address(VAR / "run" / "author.address", sites.PORTS[sites.AUTHOR]),
)
OFFLOAD = {
    "STORAGE": "offload",
    "HEARTBEAT": 1 if FAST else 3,
    "TIMEOUT": 6 if FAST else 12,
    "UPLOADS": str(FOLDER / "uploads"),
    "SENDFILE_HEADER": os.environ.get("SENDFILE_HEADER", ""),
    "SENDFILE_PREFIX": os.environ.get("SENDFILE_PREFIX", ""),
    **LINK,
}
