"""Checks of the apps and middleware that the pages in the admin need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import Warning  # noqa: A004 -- Django's name for it

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

ADMIN = "django.contrib.admin"
HTMX = "django_htmx"
MIDDLEWARE = "django_htmx.middleware.HtmxMiddleware"


def check(**_: object) -> list[CheckMessage]:
    """Check that the pages can be shown and can refresh themselves."""
    if not apps.is_installed(ADMIN):
        fact = "The admin is not installed, so there are no pages to watch and control jobs."
        return [Warning(fact, f'Add "{ADMIN}" to INSTALLED_APPS.', id="offload.W008")]
    missing = []
    if not apps.is_installed(HTMX):
        missing.append(f'"{HTMX}" to INSTALLED_APPS')
    if MIDDLEWARE not in django_settings.MIDDLEWARE:
        missing.append(f'"{MIDDLEWARE}" to MIDDLEWARE')
    if not missing:
        return []
    fact = "The pages of offload do not refresh themselves."
    return [Warning(fact, f"Add {' and '.join(missing)}.", id="offload.W009")]
