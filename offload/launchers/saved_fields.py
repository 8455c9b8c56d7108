"""Files saved in fields of models that the settings name."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import FileField
from django.db.models.signals import post_save

from offload.conf import settings
from offload.core.exceptions import ConfigurationError, OffloadError
from offload.core.launchers.launcher_decision import ANY_EVENT, LaunchEvent
from offload.core.launchers.paths import check_path
from offload.db import database
from offload.launchers import launching
from offload.launchers.launched import Fingerprint
from offload.launchers.launcher_rules import rulebook
from offload.models import Launch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

logger = logging.getLogger("offload.launchers")


def connect() -> None:
    """Listen to saves of the models that ``OFFLOAD["LAUNCH_FIELDS"]`` names, and of no others."""
    for text in settings().launch_fields:
        try:
            model = field_of(text).model
        except ConfigurationError:
            # A system check says it.
            continue
        post_save.connect(_saved, sender=model, dispatch_uid=f"offload.launch.{model._meta.label}")


def field_of(text: str) -> FileField:
    """Return the field of a text such as ``shop.Photo.image``; raise ConfigurationError."""
    label, _, name = text.rpartition(".")
    try:
        field = apps.get_model(label)._meta.get_field(name)
    except (LookupError, ValueError) as error:
        raise _wrong(text, "there is no such field") from error
    except Exception as error:  # Django has no common type for a field that does not exist.
        raise _wrong(text, str(error)) from error
    if not isinstance(field, FileField):
        raise _wrong(text, "it is no FileField")
    return field


def _wrong(text: str, problem: str) -> ConfigurationError:
    return ConfigurationError(setting=f'OFFLOAD["LAUNCH_FIELDS"]: {text!r:.100}', problem=problem)


def _saved(*, sender: type[Model], instance: Any, raw: bool = False, **_: object) -> None:
    """Launch the files of an object that was saved, in its transaction; never fail the save."""
    if raw or not any(one.event in {ANY_EVENT, LaunchEvent.SAVED} for one in rulebook.lately()):
        return
    for name in _fields(sender):
        file = getattr(instance, name)
        if file:
            _launch(file)


def _fields(sender: type[Model]) -> Iterator[str]:
    for text in settings().launch_fields:
        label, _, name = text.rpartition(".")
        if label.lower() == sender._meta.label_lower:
            yield name


def _launch(file: Any) -> None:
    try:
        path = check_path(file.name)
        if not any(one.pattern.matches(path) for one in rulebook.lately()):
            return
        stamp = _stamp(file)
        if stamp and _is_known(path, stamp):
            return
        with database.atomic(), file.storage.open(file.name, "rb") as opened:
            fingerprint = Fingerprint(stamp=stamp)
            found = launching.arrive(path, opened, LaunchEvent.SAVED, fingerprint=fingerprint)
        launching.log_failures(found)
    except (OffloadError, OSError) as error:
        logger.warning("the saved file %r is not launched: %s", file.name, error)
    except Exception:
        # A storage may be built on any library, with errors of its own.
        logger.exception("the saved file %r is not launched", file.name)


def _stamp(file: Any) -> str:
    """Return size and time of a stored file; "" if its storage does not know them."""
    try:
        modified = file.storage.get_modified_time(file.name)
        return f"{file.storage.size(file.name)}:{modified.timestamp()}"
    except NotImplementedError:
        return ""


def _is_known(path: str, stamp: str) -> bool:
    """Tell whether this state of the file was launched before, by any launcher of its path."""
    names = {
        one.name
        for one in rulebook.lately()
        if one.event in {ANY_EVENT, LaunchEvent.SAVED} and one.pattern.matches(path)
    }
    rows = Launch.objects.filter(launcher__in=names, path_key=launching.path_key(path), stamp=stamp)
    return bool(rows.exists())
