"""Runs: a workflow's steps with their files, begun in one transaction."""

from __future__ import annotations

from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from offload.canvas.batches import gathering
from offload.canvas.following.joins import tree_of
from offload.canvas.freezing.context import coming_from
from offload.canvas.freezing.origins import submitter
from offload.canvas.freezing.walk import first
from offload.conf import settings
from offload.core.exceptions import ConfigurationError, UnfitParameters
from offload.core.validation.job_properties import check_properties
from offload.core.workflows import plans
from offload.core.workflows.placements import Placement, check_placement
from offload.db import database
from offload.dispatch.submission import new_id
from offload.files import payloads
from offload.fleet.consumers import check_names
from offload.messaging.installation import celery_app
from offload.messaging.names import STEP_TASK, TOPIC_OPTION
from offload.models import Payload, Run
from offload.runs.advancing import advance
from offload.runs.locking import Locked
from offload.workflows import whole_starts
from offload.workflows.definitions import definition
from offload.workflows.handles import RunHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.canvas.freezing.context import Origin
    from offload.core.workflows.graphs import Graph
    from offload.files.payloads import Saved, Source
    from offload.workflows.definitions import Definition

#: Characters of a reason, and of a name, that are kept.
TEXT_MAX = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The person who starts a run, and the reason."""

    reason: str = ""
    by: str = ""
    user_data: Any = None
    #: The run that it copies.
    former: str | None = None
    #: None for the workflow's own.
    placement: str | None = None
    #: The only cluster that may get all of it; "" for any.
    peer: str = ""

    def columns(self) -> dict[str, Any]:
        """Return the values of a run's columns."""
        return {
            "reason": self.reason[:TEXT_MAX],
            "actor": self.by[:TEXT_MAX],
            "user_data": self.user_data,
            "former_id": self.former,
            "relation": "copy" if self.former else "",
            "peer": self.peer,
        }


NO_REASON = Why()


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """A run that is about to be stored."""

    workflow: Definition
    parameters: Mapping[str, Any]
    canvas: Any
    written: dict[str, Any]
    graph: Graph | None
    why: Why = field(default_factory=Why)


def start(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    files: Mapping[str, Source] | None = None,
    reason: str = "",
    by: str = "",
    user_data: Any = None,
    placement: str | None = None,
    peer: str = "",
) -> RunHandle:
    """Start a run of a workflow; return a handle on it.

    ``name`` is the workflow's name, and ``parameters`` are the keyword arguments of its function,
    as JSON values. ``files`` maps names to what they are read from: a path, bytes, or a file opened
    for reading bytes; all steps see these files, and those that other steps make. ``by`` says who
    starts it and ``reason`` why. ``user_data`` is any JSON value; it comes back in every event of
    the run. ``placement`` replaces the workflow's own: ``"together"``, ``"near"``, ``"spread"``,
    ``"peer"`` to send all of it to another cluster as one job, or ``""`` to choose the instance of
    each step by itself. ``peer`` names the only cluster that may get it whole, and implies that
    placement. Run, files and first steps are stored in one transaction.

    Raise, with nothing stored: UnknownWorkflow; UnfitParameters for parameters that the function
    does not take, or a declared input that is not among the files; InvalidProperties, and
    UnfitProperties for those of a first step; InvalidName, InvalidFile, MissingFile, UnreadableFile
    or FileNotStored for a file; NoPeerForRun if no other cluster can do every step; and
    ConfigurationError if the function returns no canvas, or one that cannot run, for an unknown
    placement, or if Celery is set to run every task at once.
    """
    placed = Placement.PEER.value if peer else placement
    why = Why(reason=reason, by=by, user_data=user_data, placement=placed, peer=peer)
    return begin(name, parameters or {}, files or {}, why)


def begin(
    name: str,
    parameters: Mapping[str, Any],
    files: Mapping[str, Source],
    why: Why,
    claim: Callable[[Run, Saved | None], None] = lambda *_: None,
) -> RunHandle:
    """Start a run, which may copy another.

    ``claim`` is called in the transaction that stores it; if it raises, nothing is stored.
    """
    _refuse_eager()
    kept = check_properties(parameters, settings().max_properties)
    if why.user_data is not None:
        check_properties({"user_data": why.user_data}, settings().max_properties)
    known = _placed(definition(name), why.placement)
    built = known.built(kept)
    _check_inputs(known, files)
    _check_first(built.written)
    if known.placement == Placement.PEER and built.graph is not None:
        whole_starts.check(known.name, built.graph, peer=why.peer, files=bool(files))
    new = _New(
        workflow=known, parameters=kept, canvas=built.canvas, written=built.written,
        graph=built.graph, why=why,
    )  # fmt: skip
    with payloads.saving(files) if files else nullcontext() as saved, database.atomic():
        row = _record(new, saved)
        claim(row, saved)
        source = replace(submitter(celery_app()), run_id=row.pk, payload_id=row.payload_id)
        _begin_steps(new, row, source)
    return RunHandle(row.pk)


def _placed(known: Definition, placement: str | None) -> Definition:
    if placement is None:
        return known
    return replace(known, placement=check_placement(placement))


def copy_run(
    run: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    reason: str = "",
    by: str = "",
) -> RunHandle:
    """Start a run like another, with copies of its files; return a handle on it.

    ``run`` is a handle or an id. ``parameters`` replace those of the same names. ``by`` says who
    asks for it and ``reason`` why. It goes by the workflow's present definition. Raise UnknownRun,
    and what ``start`` raises.
    """
    row = RunHandle(str(run)).row
    inputs = row.payload.files.inputs() if row.payload else ()
    given = {**row.properties, **(parameters or {})}
    why = Why(
        reason=reason, by=by, user_data=row.user_data, former=row.pk, placement=row.placement,
        peer=row.peer,
    )  # fmt: skip
    with ExitStack() as opened:
        files = {one.name: opened.enter_context(one.open()) for one in inputs}
        return begin(row.workflow, given, files, why)


def _begin_steps(new: _New, row: Run, source: Origin) -> None:
    if new.graph is None:
        with coming_from(source), gathering():
            row.tree = tree_of(new.canvas.apply_async())
        row.save(update_fields=["tree"])
        return
    plan = plans.fresh(new.graph)
    advance(Locked(row=row, graph=new.graph, plan=plan), plan, source, strict=True)


def _check_inputs(known: Definition, files: Mapping[str, Source]) -> None:
    missing = [one for one in known.inputs if one not in files]
    if missing:
        problem = f"needs the file {missing[0]!r}: files={{{missing[0]!r}: 'path/to/it'}}"
        raise UnfitParameters(workflow=known.name, problem=problem)


def _check_first(canvas: object) -> None:
    """Raise UnfitProperties if a step that begins at once is misspelt, as ``submit`` does."""
    for signature in first(canvas):
        topic = (signature.get("options") or {}).get(TOPIC_OPTION)
        if signature["task"] == STEP_TASK and topic and not signature.get("args"):
            check_names(topic, signature.get("kwargs") or {})


def _refuse_eager() -> None:
    if celery_app().conf.task_always_eager:
        problem = (
            "the steps of a workflow are jobs of topics, and Celery would run them at once as "
            "tasks. Leave it out; in tests, run_jobs() of offload.testing runs them"
        )
        raise ConfigurationError(setting="CELERY_TASK_ALWAYS_EAGER", problem=problem)


def _record(new: _New, saved: Saved | None) -> Run:
    if saved is not None:
        payloads.record(saved)
    graph = new.graph
    values: dict[str, Any] = {"properties": new.parameters, "canvas": new.written}
    if graph is not None:
        plan = plans.facts(plans.fresh(graph))
        values |= {"graph": graph.facts(), "plan": plan, "tree": graph.result}
    return Run.objects.create(
        id=new_id(),
        workflow=new.workflow.name,
        version=new.workflow.version_of(graph, new.parameters),
        payload_id=saved.id if saved else _empty_payload(graph),
        parent_id=submitter(celery_app()).parent_id,
        placement=new.workflow.placement,
        near_seconds=new.workflow.near_seconds,
        **values,
        **new.why.columns(),
    )


def _empty_payload(graph: Graph | None) -> str | None:
    """Return a payload for the files that the steps make for each other, if they do."""
    if graph is None or not graph.makers:
        return None
    made: Payload = Payload.objects.create(id=new_id(), storage=settings().storage)
    return str(made.pk)
