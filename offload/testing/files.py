"""Files of jobs in a site's tests: in a folder that is removed with the process."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import cache
from multiprocessing.util import Finalize
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core import mail
from django.core.files.storage import FileSystemStorage

from offload.conf import settings
from offload.models import stores

if TYPE_CHECKING:
    from django.core.files.storage import Storage


def keep_apart() -> None:
    """Keep files of jobs out of the site's own folder while tests run.

    A storage that a test sets up itself, or one without a folder, is left unchanged.
    """
    options: Any = django_settings.STORAGES.get(settings().storage, {})
    given = options.get("OPTIONS", {}).get("location") or django_settings.MEDIA_ROOT
    folder = os.path.abspath(given)

    def instead(storage: Storage) -> Storage:
        mine = isinstance(storage, FileSystemStorage) and storage.location == folder
        return FileSystemStorage(location=_scratch()) if mine and _is_tested() else storage

    stores.replace(instead)


def _is_tested() -> bool:
    """Return whether a test runner has set up its environment; mail has an outbox then."""
    return hasattr(mail, "outbox")


@cache
def _scratch() -> Path:
    """Make a folder that is removed with the process, even one that a test runner started."""
    folder = Path(tempfile.mkdtemp(prefix="offload-tests-"))
    Finalize(None, shutil.rmtree, args=(folder,), kwargs={"ignore_errors": True}, exitpriority=0)
    return folder
