"""Settings of the site whose tasks are those of Celery's suite; what differs is in variables."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(os.environ["SUITE_FOLDER"])

SECRET_KEY = "suite"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_celery_results",
]
if os.environ["SUITE_TASKS"] == "jobs":
    INSTALLED_APPS += ["offload"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(FOLDER / "db.sqlite3"),
        "OPTIONS": {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "media"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
OFFLOAD = {"HEARTBEAT": 1, "TIMEOUT": 10}
