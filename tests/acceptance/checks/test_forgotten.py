"""What is easily forgotten when offload is put into a site: each is said with the line to add."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str]]

SETTINGS = """
import os
from pathlib import Path
SECRET_KEY = "none"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
INSTALLED_APPS += ["django_celery_results", "django_htmx"]
INSTALLED_APPS += [] if "WITHOUT_APP" in os.environ else ["offload"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3", "OPTIONS": {
    "init_command": "PRAGMA journal_mode=WAL;", "transaction_mode": "IMMEDIATE", "timeout": 30}}}
CELERY_BROKER_URL = "memory://"
CELERY_RESULT_BACKEND = "django-db"
"""
APP = """
import os
from celery import Celery
import offload
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
if "WITHOUT_INSTALL" not in os.environ:
    offload.install(app)
"""


@pytest.fixture
def run(root: Path, tmp_path: Path) -> Run:
    """Return a function that runs Python in an empty site; it returns exit code and words."""
    site = tmp_path / "shop"
    site.mkdir()
    (site / "settings.py").write_text(SETTINGS)
    (site / "celery.py").write_text(APP)
    (site / "__init__.py").write_text("from shop.celery import app as celery_app\n")

    def run(*arguments: str, **variables: str) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "shop.settings",
                "PYTHONPATH": f"{root}{os.pathsep}{tmp_path}",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=100,
        )
        return ended.returncode, ended.stdout + ended.stderr

    return run


WORKER = ("-m", "celery", "-A", "shop", "worker", "-n", "one@here", "-P", "solo")


def test_a_worker_of_a_site_without_the_app_names_the_line(run: Run) -> None:
    code, said = run(*WORKER, WITHOUT_APP="1")

    assert code == 78
    assert 'INSTALLED_APPS += ["django_celery_results", "django_htmx", "offload"]' in said


def test_who_submits_without_the_app_is_told_the_line(run: Run) -> None:
    code, said = run(
        "-c", "import django, offload; django.setup(); offload.submit('a/b')", WITHOUT_APP="1"
    )

    assert code == 1
    assert "ConfigurationError: INSTALLED_APPS" in said
    assert '"offload"]' in said


def test_a_forgotten_install_ends_the_worker_and_fails_the_check(run: Run) -> None:
    code, said = run(*WORKER, WITHOUT_INSTALL="1")
    assert code == 78
    assert "offload.install(app)" in said

    code, said = run("-m", "django", "check", WITHOUT_INSTALL="1")
    assert code == 1
    assert "offload.E014" in said


def test_a_worker_before_migrate_says_what_to_run(run: Run) -> None:
    code, said = run(*WORKER)

    assert code == 69
    assert said.count("Run: manage.py migrate --database default") == 1
    assert "no such table" not in said
