from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.checks import run_checks

from offload.checks import TAG, pages
from offload.messaging import installation
from project.celery import app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import Settings


@pytest.fixture(autouse=True)
def _the_sites_own_app() -> Iterator[None]:
    """Check the sample site, whatever other tests have installed."""
    with installation.instead(app, module="project.celery"):
        yield


def ids() -> list[str | None]:
    return [one.id for one in pages.check()]


def test_w008_says_that_there_are_no_pages_without_the_admin(settings: Settings) -> None:
    installed = settings.INSTALLED_APPS
    settings.INSTALLED_APPS = [app for app in installed if app != "django.contrib.admin"]
    assert ids() == ["offload.W008"]


def test_w009_names_the_missing_app(settings: Settings) -> None:
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django_htmx"]
    assert ids() == ["offload.W009"]
    assert pages.check()[0].hint == 'Add "django_htmx" to INSTALLED_APPS.'


def test_w009_names_the_missing_middleware(settings: Settings) -> None:
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "htmx" not in one]
    assert ids() == ["offload.W009"]
    assert "HtmxMiddleware" in str(pages.check()[0].hint)


def test_the_sample_site_has_no_problem() -> None:
    assert run_checks(tags=[TAG]) == []


def test_all_checks_are_registered(settings: Settings) -> None:
    settings.OFFLOAD = {"NONSENSE": 1}
    settings.USE_TZ = False
    settings.MIDDLEWARE = []
    found = {one.id for one in run_checks(tags=[TAG])}
    assert found == {"offload.E001", "offload.E009", "offload.W009"}
