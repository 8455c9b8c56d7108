"""Checks of launchers that the settings declare, of watched fields, and of watched folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from django.core.checks import Error

from offload.checks.offload_settings import readable
from offload.core.exceptions import ConfigurationError, InvalidLauncher
from offload.launchers import declared_launchers, saved_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from offload.conf import Settings

EXAMPLE = (
    'Write OFFLOAD = {"LAUNCHERS": {"photos": {"pattern": "photos/**", "workflow": "dam/update"}}}.'
)


def check(**_: object) -> list[CheckMessage]:
    """Check that declarations, fields and folders can be used."""
    given = readable()
    if given is None:
        return []
    return [*_declared(), *_fields(given), *_folders(given)]


def _declared() -> Iterator[CheckMessage]:
    try:
        list(declared_launchers.rows())
    except InvalidLauncher as error:
        yield Error(f'OFFLOAD["LAUNCHERS"]: {error}', EXAMPLE, id="offload.E026")


def _fields(given: Settings) -> Iterator[CheckMessage]:
    for text in given.launch_fields:
        try:
            saved_fields.field_of(text)
        except ConfigurationError as error:
            hint = 'Write "LAUNCH_FIELDS": ["shop.Photo.image"], the app, the model and its field.'
            yield Error(str(error), hint, id="offload.E027")


def _folders(given: Settings) -> Iterator[CheckMessage]:
    for name, folder in given.watch.items():
        if not Path(folder).is_absolute() or "/" in name or name in {".", ".."}:
            hint = 'Write "WATCH": {"inbox": "/srv/inbox"}: a plain name, and an absolute path.'
            fact = f'OFFLOAD["WATCH"] has the folder {folder!r:.200} as {name!r:.60}.'
            yield Error(fact, hint, id="offload.E028")
