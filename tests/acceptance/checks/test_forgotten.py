"""Forgotten steps of an installation: each is reported with the line to add."""

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
INSTALLED_APPS += ["shop"] if (Path(__file__).parent / "consumers.py").exists() else []
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
            timeout=180,
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


CONSUMERS = """
import sys
from offload import consumer
print("consumers are imported", file=sys.stderr)

@consumer("mail/*")
def send(job): ...

@consumer("mail/*")
def post(job): ...
"""


def test_the_check_alone_imports_consumers_and_names_two_of_one_pattern(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "shop/consumers.py").write_text(CONSUMERS)

    code, said = run("-m", "django", "check")
    assert code == 1
    assert "offload.E020" in said
    assert "shop.consumers.post and shop.consumers.send consume 'mail/*' with the ranking 0" in said

    code, said = run("-m", "django", "migrate")
    assert code == 0
    assert "consumers are imported" not in said


def test_the_check_names_the_place_of_a_module_that_cannot_be_imported(
    run: Run, tmp_path: Path
) -> None:
    consumers = tmp_path / "shop/consumers.py"
    consumers.write_text("\nimport no_such_library\n")

    code, said = run("-m", "django", "check")

    assert code == 1
    assert "offload.E021" in said
    assert "No module named 'no_such_library'" in said
    assert f"Mend {consumers}, line 2." in said


#: Consumer modules that no worker can import, by what it says, and the line that it names.
BROKEN = {
    "ModuleNotFoundError: No module named 'no_such_library'": ("\nimport no_such_library\n", 2),
    "ImportError: cannot import name 'no_such_name'": ("from offload import no_such_name\n", 1),
    "SyntaxError: '(' was never closed": ("import offload\n\n\ndef count(job:\n", 4),
}


@pytest.mark.parametrize("told", BROKEN)
def test_a_worker_ends_at_a_module_of_consumers_that_it_cannot_import_and_names_the_line(
    run: Run, tmp_path: Path, told: str
) -> None:
    consumers = tmp_path / "shop/consumers.py"
    text, line = BROKEN[told]
    consumers.write_text(text)

    code, said = run(*WORKER)

    assert code == 1
    assert told in said
    assert f'File "{consumers}", line {line}' in said


COUNTED = """
import sys
from django.core.checks import register

@register
def told(**_):
    print("checked", file=sys.stderr)
    return []
"""


def test_the_check_runs_once_and_once_for_celery(run: Run, tmp_path: Path) -> None:
    (tmp_path / "shop/consumers.py").write_text("from offload import consumer")
    (tmp_path / "shop/models.py").write_text(COUNTED)

    code, said = run("-m", "django", "check")

    assert code == 0
    assert said.count("checked") == 2
