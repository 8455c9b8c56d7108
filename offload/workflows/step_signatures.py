"""Steps: signatures of jobs, with what the workflow says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery.canvas import Signature

from offload.canvas.freezing.signatures import as_dicts
from offload.conf import settings
from offload.core.exceptions import ConfigurationError
from offload.core.topics import validate_topic
from offload.core.validation.filenames import check_file_name
from offload.core.validation.job_properties import check_properties
from offload.core.workflows.conditions import MediaType, StepResult
from offload.core.workflows.graphs import OnError
from offload.messaging.installation import installed
from offload.messaging.names import STEP_OPTION, STEP_TASK, TOPIC_OPTION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.workflows.conditions import Condition


def step(
    topic: str,
    /,
    *,
    called: str = "",
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    when: Condition | None = None,
    for_each: StepResult | None = None,
    on_error: str = OnError.FAIL,
    compensate: str | Signature[Any] = "",
    **properties: Any,
) -> Signature[Any]:
    """Return a step of a workflow, or of any canvas: the signature of a job of this topic.

    ``topic`` is the job's topic, and ``properties`` are its keyword arguments, as JSON values.
    Values that the canvas passes on, such as the results that a step waits for, come as positional
    arguments.

    The others are for workflows. ``called`` is the step's name, by default the topic. It waits for
    the steps whose ``outputs`` are its ``inputs``, which are names of files. It is left out unless
    the condition ``when`` holds: ``media_type(…)`` or ``result(…)``. With ``for_each=result(…)``
    there is a job for each element of that list, which is its only positional argument.
    ``on_error`` is ``"fail"``, or ``"go_on"`` if what waits for the step is to run although it
    failed, or ``"compensate"`` if all that was done is then to be undone: in reverse order, each
    step by what it names with ``compensate``, a topic or a step, which gets its result.

    Raise InvalidTopic, InvalidProperties, InvalidName or ConfigurationError.
    """
    said = {
        "called": called, "inputs": file_names("inputs", inputs),
        "outputs": file_names("outputs", outputs),
        "when": condition(when, inputs), "each": _each(for_each), "on_error": on_error_of(on_error),
        "compensate": _compensation(compensate),
    }  # fmt: skip
    given = {name: value for name, value in said.items() if value}
    own: dict[str, Any] = {STEP_OPTION: given} if given else {}
    return Signature(
        STEP_TASK,
        kwargs=check_properties(properties, settings().max_properties),
        options={TOPIC_OPTION: validate_topic(topic), **own},
        app=installed(),
    )


def _wrong(argument: str, problem: str) -> ConfigurationError:
    return ConfigurationError(setting=f"step(…, {argument}=…)", problem=problem)


def file_names(argument: str, given: Sequence[str]) -> list[str]:
    """Return the names of files; raise ConfigurationError for a text, and InvalidName."""
    if isinstance(given, str):
        # Each letter would be a name.
        raise _wrong(argument, f"it is a list of names. Write {argument}=[{given!r}]")
    return [check_file_name(one) for one in given]


def condition(when: object, inputs: Sequence[str]) -> dict[str, Any] | None:
    """Return a condition as JSON values; raise ConfigurationError if it is none."""
    if when is None:
        return None
    if not isinstance(when, MediaType | StepResult):
        problem = f"{when!r:.60} is no condition. Write media_type('image/*') or result('a step')"
        raise _wrong("when", problem)
    if isinstance(when, StepResult):
        return when.facts()
    return {**when.facts(), "of": when.of or next(iter(inputs), "")}


def _each(given: object) -> dict[str, Any] | None:
    if given is None:
        return None
    if not isinstance(given, StepResult) or given.comparison != "holds":
        problem = (
            f"{given!r:.60} is no result of a step. Write for_each=result('a step', 'pages'), "
            "or a list of steps in a group if the elements are known"
        )
        raise _wrong("for_each", problem)
    return given.facts()


def on_error_of(given: str) -> str:
    """Return the meaning of a failure, "" for the usual one; raise ConfigurationError."""
    if given not in [one.value for one in OnError]:
        known = " nor ".join(repr(one.value) for one in OnError)
        raise _wrong("on_error", f"{given!r:.60} is neither {known}")
    return "" if given == OnError.FAIL else str(given)


def _compensation(given: object) -> dict[str, Any] | None:
    """Return a compensation as JSON values."""
    if given == "":
        return None
    call = step(given) if isinstance(given, str) else given
    if not isinstance(call, Signature) or TOPIC_OPTION not in call.options:
        problem = f"{given!r:.60} is no topic and no step. Write compensate='pay/refund'"
        raise _wrong("compensate", problem)
    if STEP_OPTION in call.options:
        problem = "a step that undoes another has properties only: no name, files or conditions"
        raise _wrong("compensate", problem)
    return {"topic": call.options[TOPIC_OPTION], "signature": as_dicts(call)}
