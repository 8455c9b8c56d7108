"""Steps without a job: they wait for a person, a token, an event or a time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery.canvas import Signature
from django.utils import timezone

from offload.core.exceptions import ConfigurationError
from offload.core.validation.ids import is_storable
from offload.core.validation.options import check_delay
from offload.core.workflows.graphs import OnError
from offload.core.workflows.waits import Wait, WaitKind
from offload.messaging.installation import installed
from offload.messaging.names import STEP_OPTION, WAIT_TASK
from offload.workflows.step_signatures import condition, file_names, on_error_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.validation.options import Seconds
    from offload.core.workflows.conditions import Condition

#: Characters of a question, a name or a permission.
TEXT_MAX = 255
#: The beginnings of a delay.
SINCE = ("step", "run")


def approval(
    question: str = "",
    /,
    *,
    permission: str = "",
    within: Seconds | None = None,
    called: str = "approval",
    inputs: Sequence[str] = (),
    when: Condition | None = None,
    on_error: str = OnError.FAIL,
) -> Signature[Any]:
    """Return a step that waits until a person approves or rejects it.

    ``question`` is shown to them, who need the ``permission``, such as ``"dam.publish"``, or else
    ``offload.approve_step``. The result is a dict with ``by`` and ``note``. A step that is rejected
    has failed, as has one that nobody has decided ``within`` so many seconds, or a timedelta.
    ``called``, ``inputs``, ``when`` and ``on_error`` are those of ``step``. Raise
    ConfigurationError, InvalidName or InvalidDelay.
    """
    if permission and permission.count(".") != 1:
        problem = f"{permission!r:.60} is no permission. Write one such as 'dam.publish'"
        raise _wrong("approval", "permission", problem)
    return _made(
        Wait(
            kind=WaitKind.APPROVAL,
            about=_text("approval", "question", question),
            permission=_text("approval", "permission", permission),
            within=_within(within),
        ),
        called=called, inputs=inputs, when=when, on_error=on_error,
    )  # fmt: skip


def hand_over(
    *,
    within: Seconds | None = None,
    called: str = "hand-over",
    inputs: Sequence[str] = (),
    when: Condition | None = None,
    on_error: str = OnError.FAIL,
) -> Signature[Any]:
    """Return a step that something outside ends, by ``offload.complete`` or ``fail``.

    The token is ``run.token(NAME)``. The result is the value that it is completed with. It fails if
    that does not come ``within`` so many seconds, or a timedelta. ``called``, ``inputs``, ``when``
    and ``on_error`` are those of ``step``. Raise ConfigurationError, InvalidName or InvalidDelay.
    """
    wait = Wait(kind=WaitKind.TOKEN, within=_within(within))
    return _made(wait, called=called, inputs=inputs, when=when, on_error=on_error)


def event(
    name: str,
    /,
    *,
    within: Seconds | None = None,
    called: str = "",
    inputs: Sequence[str] = (),
    when: Condition | None = None,
    on_error: str = OnError.FAIL,
) -> Signature[Any]:
    """Return a step that waits for an event, which ``send_event`` sends; the first one counts.

    ``name`` is the event's, and by default the step's. The result is the value that is sent. It
    fails if none comes ``within`` so many seconds, or a timedelta. ``called``, ``inputs``, ``when``
    and ``on_error`` are those of ``step``. Raise ConfigurationError, InvalidName or InvalidDelay.
    """
    about = event_name(name)
    wait = Wait(kind=WaitKind.EVENT, about=about, within=_within(within))
    return _made(wait, called=called or about, inputs=inputs, when=when, on_error=on_error)


def until(
    moment: datetime | timedelta,
    /,
    *,
    since: str = "step",
    within: Seconds | None = None,
    called: str = "until",
    inputs: Sequence[str] = (),
    when: Condition | None = None,
    on_error: str = OnError.FAIL,
) -> Signature[Any]:
    """Return a step that waits until a time; what follows it gets the results before it.

    ``moment`` is a datetime, which without a zone is in the site's, or a timedelta: ``since`` the
    step is due, or, with ``"run"``, since the start of the run. It fails if the time does not come
    ``within`` so many seconds, or a timedelta. ``called``, ``inputs``, ``when`` and ``on_error``
    are those of ``step``. Raise ConfigurationError, InvalidName or InvalidDelay.
    """
    if since not in SINCE:
        raise _wrong("until", "since", f"{since!r:.60} is neither 'step' nor 'run'")
    if isinstance(moment, datetime):
        aware = timezone.make_aware(moment) if timezone.is_naive(moment) else moment
        wait = Wait(kind=WaitKind.TIME, until=aware.isoformat(), within=_within(within))
    elif isinstance(moment, timedelta):
        delay = check_delay(moment, name="moment")
        is_run = since == "run"
        wait = Wait(kind=WaitKind.TIME, delay=delay, since_start=is_run, within=_within(within))
    else:
        raise _wrong("until", "moment", f"{moment!r:.60} is neither a datetime nor a timedelta")
    return _made(wait, called=called, inputs=inputs, when=when, on_error=on_error)


def event_name(name: object) -> str:
    """Return the name of an event; raise ConfigurationError if it cannot be one."""
    found = _text("event", "name", name)
    if not found.strip():
        raise _wrong("event", "name", "it has no name. Write one such as 'payment/received'")
    return found


def _made(
    wait: Wait, *, called: str, inputs: Sequence[str], when: Condition | None, on_error: str
) -> Signature[Any]:
    said = {
        "called": called, "inputs": file_names("inputs", inputs), "when": condition(when, inputs),
        "on_error": on_error_of(on_error), "wait": wait.facts(),
    }  # fmt: skip
    own = {STEP_OPTION: {name: value for name, value in said.items() if value}}
    return Signature(WAIT_TASK, options=own, app=installed())


def _within(given: Seconds | None) -> float | None:
    return None if given is None else check_delay(given, name="within")


def _text(function: str, argument: str, given: object) -> str:
    if not isinstance(given, str):
        raise _wrong(function, argument, f"it is of type {type(given).__name__}, not a text")
    if len(given) > TEXT_MAX or not is_storable(given):
        problem = f"it has {len(given)} characters; {TEXT_MAX} that can be stored are allowed"
        raise _wrong(function, argument, problem)
    return given


def _wrong(function: str, argument: str, problem: str) -> ConfigurationError:
    return ConfigurationError(setting=f"{function}(…, {argument}=…)", problem=problem)
