"""Launching: a file arrives, and the launchers that fit it start their workflows."""

from __future__ import annotations

import hashlib
import logging
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import OffloadError, UnknownWorkflow
from offload.core.launchers.launcher_decision import FileArrival, LaunchEvent, verdicts
from offload.core.launchers.parameter_facts import filled
from offload.core.launchers.paths import check_path
from offload.launchers import arriving_files, launcher_rules
from offload.launchers.launched import Fingerprint, Launched, NotLaunched
from offload.models import Launch, PayloadFile
from offload.models.launching.launcher_rows import EVERYWHERE
from offload.workflows.definitions import definition
from offload.workflows.runs import Why, begin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.launchers.launcher_decision import LauncherRule, LaunchVerdict
    from offload.files.payloads import Saved, Source
    from offload.launchers.arriving_files import Look
    from offload.models import Run

logger = logging.getLogger("offload.launchers")

#: The name of a file in a run whose workflow names none.
ORIGINAL = "original"
#: A file that did not change since it was opened.
CERTAIN = Fingerprint()


def launch(
    source: Source, *, path: str | None = None, by: str = "", user_data: Any = None
) -> tuple[Launched, ...]:
    """Give a file to the launchers; return what each did that fits its path.

    ``source`` is a path, bytes, or a file opened for reading bytes. ``path`` is what the patterns
    of launchers are compared with, by default the path of the source as it is written. ``by`` says
    who gives it, and ``user_data`` is any JSON value that comes back in every event of the runs.
    Each run is started in one transaction, and never twice for the same launcher, path and content.

    Raise, with nothing started: InvalidPath; InvalidFile, MissingFile or UnreadableFile. What is
    wrong with a launcher itself is said in what is returned.
    """
    given = path if path is not None or not isinstance(source, str | os.PathLike) else str(source)
    return arrive(check_path(given), source, LaunchEvent.GIVEN, by=by, user_data=user_data)


def arrive(
    path: str,
    source: Source,
    event: LaunchEvent,
    *,
    by: str = "",
    user_data: Any = None,
    instance: str = EVERYWHERE,
    fingerprint: Fingerprint = CERTAIN,
) -> tuple[Launched, ...]:
    """Start what fits a file that arrived; return what each launcher did whose path it fits.

    ``path`` is a checked one. Raise what ``launch`` raises of the source.
    """
    off = launcher_rules.off_because(instance)
    with arriving_files.opened(path.rpartition("/")[2], source) as file:
        seen = arriving_files.look(path, file)
        facts = FileArrival(path=path, event=event, size=seen.size, media_type=seen.media_type)
        found = []
        for verdict in nearby(verdicts(launcher_rules.rules(), facts), path):
            if off or not verdict.starts:
                found.append(refused(verdict.rule, path, verdict.problem or off))
                continue
            file.seek(0)
            why = _why(verdict.rule, path, event, by, user_data)
            found.append(_start(verdict.rule, path, file, seen, why, fingerprint))
    return tuple(found)


def nearby(found: Iterable[LaunchVerdict], path: str) -> list[LaunchVerdict]:
    """Return the verdicts of launchers whose pattern matches a path."""
    return [one for one in found if one.rule.pattern.matches(path)]


def refused(rule: LauncherRule, path: str, problem: str, **facts: Any) -> Launched:
    """Return that a launcher started nothing."""
    return Launched(launcher=rule.name, workflow=rule.workflow, path=path, problem=problem, **facts)


def _why(rule: LauncherRule, path: str, event: LaunchEvent, by: str, given: Any) -> Why:
    facts = {"launcher": rule.name, "path": path, "event": event.value, "user_data": given}
    return Why(reason=f"launcher {rule.name}", by=by, user_data=facts)


def _start(
    rule: LauncherRule, path: str, file: Any, seen: Look, why: Why, fingerprint: Fingerprint
) -> Launched:
    try:
        parameters = filled(rule.parameters, path, seen.media_type)
        claim = partial(_claim, rule, path, fingerprint)
        run = begin(rule.workflow, parameters, {input_of(rule): file}, why, claim)
    except NotLaunched as error:
        return refused(rule, path, error.problem, run_id=error.run_id)
    except OffloadError as error:
        return refused(rule, path, str(error), failed=True)
    return Launched(launcher=rule.name, workflow=rule.workflow, path=path, run_id=run.id)


def input_of(rule: LauncherRule) -> str:
    """Return the name of the file in a launcher's run; raise UnknownWorkflow."""
    inputs = definition(rule.workflow).inputs
    return rule.input_name or (inputs[0] if len(inputs) == 1 else ORIGINAL)


def _claim(
    rule: LauncherRule, path: str, fingerprint: Fingerprint, run: Run, saved: Saved | None
) -> None:
    """Note that this content is launched; raise NotLaunched if it was, or must not be."""
    if saved is None or not fingerprint.is_same():
        raise NotLaunched("it changed while it was read")
    [stored] = saved.files
    if not rule.takes_outputs and (maker := maker_of(stored.sha256)):
        raise NotLaunched(f"it is an output of job {maker}")
    made = Launch(
        launcher=rule.name, path=path, path_key=path_key(path), sha256=stored.sha256,
        stamp=fingerprint.stamp, run=run,
    )  # fmt: skip
    # One of two at a time waits for the other here.
    Launch.objects.bulk_create([made], ignore_conflicts=True)
    if not run.launches.exists():
        before = launched(rule.name, path, stored.sha256)
        raise NotLaunched(ALREADY, (before.run_id or "") if before else "")


def log_failures(found: Iterable[Launched]) -> None:
    """Log what launchers should have started, where nobody is told."""
    for one in found:
        if one.failed:
            problem = f"{one.path} is not launched by {one.launcher}"
            logger.warning("%s: %s", problem, one.problem)


ALREADY = "it was launched before with this content"


def maker_of(sha256: str) -> str:
    """Return the id of a job that made this content; "" if none did."""
    rows = PayloadFile.objects.outputs().filter(sha256=sha256)
    return str(rows.values_list("job_id", flat=True).first() or "")


def launched(launcher: str, path: str, sha256: str) -> Launch | None:
    """Return the launch of this content by a launcher, if there is one."""
    rows = Launch.objects.filter(launcher=launcher, path_key=path_key(path), sha256=sha256)
    found: Launch | None = rows.first()
    return found


def path_key(path: str) -> str:
    """Return the digest by which launches of a path are found."""
    return hashlib.sha256(path.encode()).hexdigest()


def workflow_problem(name: str) -> str:
    """Say what is wrong with the name of a workflow; return "" if there is one."""
    try:
        definition(name)
    except UnknownWorkflow as error:
        return str(error)
    return ""
