"""Events of runs and their steps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunChange:
    """A run of a workflow began, or ended; each run ends once."""

    #: The run's id.
    run_id: str
    #: The workflow's name.
    workflow: str
    #: The version of its definition.
    version: str
    #: The state it left; "" for a run that begins.
    old: str
    #: The state it is in now; the value of a `RunState`.
    new: str
    #: The value that was given to ``start``.
    user_data: object = None

    @property
    def is_final(self) -> bool:
        """Return whether the run has ended."""
        return self.new != "RUNNING"

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"run_id": self.run_id, "workflow": self.workflow, "old": self.old, "new": self.new}


@dataclass(frozen=True, slots=True)
class StepWaiting:
    """A step of a run began to wait for a person, a token, an event or a time."""

    #: The run's id.
    run_id: str
    #: The workflow's name.
    workflow: str
    #: The step's name.
    step: str
    #: ``approval``, ``token``, ``event`` or ``time``.
    kind: str
    #: The question of an approval, or the name of an event.
    about: str = ""
    #: The value that was given to ``start``.
    user_data: object = None

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"run_id": self.run_id, "step": self.step, "kind": self.kind}


@dataclass(frozen=True, slots=True)
class StepEnd:
    """A step of a run has ended; each step ends once, whether it ran or not."""

    #: The run's id.
    run_id: str
    #: The workflow's name.
    workflow: str
    #: The step's name.
    step: str
    #: ``SUCCEEDED``, ``SKIPPED``, ``FAILED``, ``STOPPED`` or ``UNREACHED``.
    state: str
    #: Its job; "" for a step that never had one, or had several.
    job_id: str = ""
    #: Why it is so, in words.
    note: str = ""
    #: The value that was given to ``start``.
    user_data: object = None

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"run_id": self.run_id, "step": self.step, "state": self.state}


@dataclass(frozen=True, slots=True)
class RunPlaced:
    """A run that stays together was placed at an instance, for the first time or anew."""

    #: The run's id.
    run_id: str
    #: The workflow's name.
    workflow: str
    #: The instance that it was placed at before; "" for the first time.
    old: str
    #: The instance that all further steps run on; "" if each is free again.
    new: str
    #: How often it was placed.
    epoch: int
    #: Why it was placed anew, in words.
    reason: str = ""
    #: The value that was given to ``start``.
    user_data: object = None

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"run_id": self.run_id, "old": self.old, "new": self.new}
