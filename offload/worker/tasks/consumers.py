"""The decorator that makes a function a consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import shared_task

from offload.core.matching.amounts import Amounts
from offload.core.matching.escalation import Escalation
from offload.core.matching.job_slots import Slots
from offload.core.matching.preferences import Preferences
from offload.core.matching.requirements import Requirements
from offload.core.matching.rescue import Rescue
from offload.core.matching.retried_errors import names_of
from offload.core.topics import Pattern
from offload.core.validation.options import check_limits, check_ranking
from offload.fleet import clashes
from offload.worker.tasks import declarations
from offload.worker.tasks.calling import (
    check_consumer,
    check_named,
    check_options,
    check_pattern,
)
from offload.worker.tasks.task import ConsumerTask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


def consumer(
    pattern: str,
    *,
    ranking: int = 0,
    requires: Mapping[str, Any] | None = None,
    prefers: Sequence[Sequence[Any]] = (),
    resources: Mapping[str, int] | None = None,
    retry_on: Sequence[type[BaseException] | str] = (),
    no_retry_on: Sequence[type[BaseException] | str] = (),
    rerun: bool = True,
    rescue: str = "",
    retry_with: Mapping[str, Any] | None = None,
    slots: int | str | Mapping[str, float] = 1,
    **options: Any,
) -> Callable[[Callable[..., Any]], ConsumerTask]:
    """Make a function ``(job, **properties)`` the consumer of a topic or a pattern of topics.

    ``pattern`` is a topic, ``"dam/*"`` for one more segment, ``"dam/**"`` for one or more, or
    ``"**"``. Of consumers of equal patterns, the one with the highest ``ranking`` runs the job.
    ``requires`` is what an instance must have to run it, such as ``{"gpu": True}``, ``prefers``
    pairs of such an object and a weight, as in ``submit``, and ``resources`` how much each of its
    jobs uses of resources, such as ``{"maya": 1}``. ``retry_on`` lists the exceptions, as classes
    or dotted names, after which a job is retried, and ``no_retry_on`` those after which it is
    not; both take precedence over its queue's. Without ``rerun``, a job whose process or instance
    is lost ends as ERROR and waits for a person; ``rescue`` says where it runs otherwise:
    ``"anywhere"``, ``"elsewhere"``, ``"same"`` or ``"same_or_error"``, and takes precedence over
    its queue's. ``retry_with`` are factors of what is required, and ``slots`` the places that
    each job takes, both as in ``submit``. ``options`` are those of a Celery task, such as
    ``time_limit`` in seconds, or ``name``. Return the decorator. Raise InvalidPattern,
    InvalidRequirement, InvalidPreference, InvalidPlacement, InvalidResource, InvalidErrorName,
    InvalidNumber for an invalid ranking or time limit, and InvalidConsumer if the pattern is left
    out, if the function takes no job, or if a call does not run it, as with ``async def``.
    """
    check_pattern(pattern)
    parsed = Pattern.parse(pattern)
    check_ranking(ranking)
    check_limits(options.get("time_limit"), options.get("soft_time_limit"))
    asked = Requirements.of(requires or {})
    topic = "" if "*" in parsed.text else parsed.text
    make: Callable[..., Any] = shared_task(
        base=ConsumerTask,
        pattern=parsed.text,
        topic=topic,
        ranking=ranking,
        requires=asked.given,
        prefers=Preferences.of(prefers, beside=asked).given,
        resources=Amounts.of({} if resources is None else resources).given,
        retry_on=names_of(retry_on),
        no_retry_on=names_of(no_retry_on),
        rerun=rerun,
        rescue=Rescue.checked(rescue),
        retry_with=Escalation.of(retry_with or {}).given,
        slots=found.given if (found := Slots.of(slots)) else 1,
        **options,
    )

    def declare(function: Callable[..., Any]) -> Any:
        check_named(function)
        name = declarations.name_of(function, options)
        check_options(options, name)
        check_consumer(function, name, is_bound=bool(options.get("bind")))
        clashes.note(name, parsed.text, function)
        return make(function)

    return declare
