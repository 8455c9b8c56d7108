"""Previews: the runs that would start for a file, or for a path."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import OffloadError
from offload.core.launchers.launcher_decision import FileArrival, LaunchEvent, verdicts
from offload.core.launchers.parameter_facts import filled
from offload.core.launchers.paths import check_path
from offload.files.media_types import guess
from offload.files.payloads import PAYLOAD_CHUNK_BYTES
from offload.launchers import arriving_files, launcher_rules
from offload.launchers.launched import Launched
from offload.launchers.launching import ALREADY, input_of, launched, maker_of, nearby, refused
from offload.workflows.definitions import definition

if TYPE_CHECKING:
    from offload.core.launchers.launcher_decision import LauncherRule
    from offload.files.payloads import Source


def preview(
    source: Source | None = None,
    *,
    path: str | None = None,
    event: str = LaunchEvent.GIVEN,
    size: int | None = None,
    media_type: str | None = None,
) -> tuple[Launched, ...]:
    """Return the outcomes that ``launch`` would have for a file, and start nothing.

    Without a ``source`` only the ``path`` is looked at, with ``size`` in bytes and ``media_type``
    where they are given; the type is else that of the name. ``event`` is ``given``, ``saved`` or
    ``found``. Raise InvalidPath, and InvalidFile, MissingFile or UnreadableFile for the source.
    """
    given = path if path is not None or not isinstance(source, str | os.PathLike) else str(source)
    checked = check_path(given)
    if source is None:
        known = media_type or guess(checked, checked, b"")
        return _previewed(checked, LaunchEvent(event), size, known, "")
    with arriving_files.opened(checked.rpartition("/")[2], source) as file:
        seen = arriving_files.look(checked, file)
        return _previewed(
            checked, LaunchEvent(event), seen.size, media_type or seen.media_type, _digest(file)
        )


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(PAYLOAD_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _previewed(
    path: str, event: LaunchEvent, size: int | None, media_type: str, sha256: str
) -> tuple[Launched, ...]:
    off = launcher_rules.off_because()
    facts = FileArrival(path=path, event=event, size=size, media_type=media_type)
    return tuple(
        refused(one.rule, path, one.problem or off)
        if off or not one.starts
        else _would_start(one.rule, path, media_type, sha256)
        for one in nearby(verdicts(launcher_rules.rules(), facts), path)
    )


def _would_start(rule: LauncherRule, path: str, media_type: str, sha256: str) -> Launched:
    try:
        input_of(rule)
        definition(rule.workflow).built(filled(rule.parameters, path, media_type))
    except OffloadError as error:
        return refused(rule, path, str(error), failed=True)
    if sha256 and not rule.takes_outputs and (maker := maker_of(sha256)):
        return refused(rule, path, f"it is an output of job {maker}")
    before = launched(rule.name, path, sha256) if sha256 else None
    if before is not None:
        return refused(rule, path, ALREADY, run_id=before.run_id or "")
    return Launched(launcher=rule.name, workflow=rule.workflow, path=path)
