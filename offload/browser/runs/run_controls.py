"""Changes of runs by the buttons of their pages: each with its consequences and its preview."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from offload.operations import approvals, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.utils.functional import _StrPromise


@dataclass(frozen=True, slots=True, kw_only=True)
class RunControl:
    """A change of a run."""

    name: str
    #: Its button, and the title of the page that asks for confirmation.
    label: _StrPromise
    #: Its consequences.
    means: _StrPromise
    done: _StrPromise
    do: Callable[..., Any]
    #: Whether it is about one step.
    of_step: bool = False
    #: Whether it takes an instance.
    takes_instance: bool = False


STOP = RunControl(
    name="stop",
    label=_("Stop this run"),
    means=_(
        "Steps that wait end at once, and nothing begins any more. Running steps are asked, and "
        "end when they check."
    ),
    done=_("The run was asked to stop."),
    do=runs.stop,
)
FORCE = RunControl(
    name="force",
    label=_("Stop this run by force"),
    means=_(
        "The processes of its running steps are killed: unfinished work stays unfinished. Steps "
        "that wait end at once, and nothing begins any more."
    ),
    done=_("The run is stopped by force."),
    do=partial(runs.stop, force=True),
)
PAUSE = RunControl(
    name="pause",
    label=_("Pause this run"),
    means=_("No further step begins until it is resumed. Steps that have begun go on."),
    done=_("The run is paused."),
    do=runs.pause,
)
RESUME = RunControl(
    name="resume",
    label=_("Resume this run"),
    means=_("Steps that are due begin."),
    done=_("The run goes on."),
    do=runs.resume,
)
RESTART = RunControl(
    name="restart",
    label=_("Restart this run"),
    means=_(
        "A new run does again what failed or was stopped, and what waited for it. Steps that are "
        "done are not repeated, and keep their results and files."
    ),
    done=_("This is a new run that goes on from the old one."),
    do=runs.restart,
)
SKIP = RunControl(
    name="skip",
    label=_("Skip this step"),
    means=_(
        "It is left out. Steps that wait for it begin without its result; those that need a file "
        "of it are left out too."
    ),
    done=_("The step is skipped."),
    do=runs.skip,
    of_step=True,
)
UNDONE = RunControl(
    name="undone",
    label=_("Mark this step as undone"),
    means=_(
        "Its compensation failed, and you have undone it by hand. It counts as undone: a restart "
        "of the run does it again."
    ),
    done=_("The step counts as undone."),
    do=runs.undone,
    of_step=True,
)
APPROVE = RunControl(
    name="approve",
    label=_("Approve this step"),
    means=_("The step succeeds, with your name and your note, and what waits for it begins."),
    done=_("The step is approved."),
    do=approvals.approve,
    of_step=True,
)
REJECT = RunControl(
    name="reject",
    label=_("Reject this step"),
    means=_(
        "The step fails, with your name and your note. What waits for it does not run, unless the "
        "workflow says so."
    ),
    done=_("The step is rejected."),
    do=approvals.reject,
    of_step=True,
)
PLACE = RunControl(
    name="place",
    label=_("Place this run"),
    means=_(
        "One instance does all steps that have not begun. What has begun goes on where it is. If "
        "that instance cannot go on, the run is placed anew."
    ),
    done=_("The run is placed."),
    do=runs.place,
    takes_instance=True,
)
#: Those that need the permission of the step.
DECISIONS: Mapping[str, RunControl] = MappingProxyType({one.name: one for one in (APPROVE, REJECT)})
RUN_CONTROLS: Mapping[str, RunControl] = MappingProxyType(
    {one.name: one for one in (STOP, FORCE, PAUSE, RESUME, RESTART, SKIP, UNDONE, PLACE)}
)
