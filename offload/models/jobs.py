"""Jobs, one row each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from offload.core.states import QUERY_TYPES, Hold, JobState
from offload.core.validation.ids import forms
from offload.db.managers import OffloadManager
from offload.models import indexes
from offload.models.fields import BytewiseField, DatabaseNow, JsonText, KeyField
from offload.models.peers.columns import Travelling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet

    from offload.core.attempt_key import AttemptKey
    from offload.core.envelopes import Key
    from offload.core.topics import Pattern
    from offload.models.payloads import PayloadFile

STATE_CHOICES = [(state.value, state.value) for state in JobState]


class Kind(models.TextChoices):
    """The kinds of work that a row stands for."""

    JOB = "job", _("job")
    #: A plain Celery task inside a canvas of jobs: published after commit, never claimed.
    RELAY = "relay", _("plain Celery task")


class JobQuerySet(models.QuerySet["Job"]):
    """Named questions about jobs."""

    def of_type(self, query_type: str) -> JobQuerySet:
        """Return the jobs of a query type: ALL, QUEUED, ACTIVE, HISTORY, …"""
        return self.filter(state__in=QUERY_TYPES[query_type])

    def of(self, key: AttemptKey) -> JobQuerySet:
        """Return the job, if this is its last attempt (R4)."""
        return self.filter(pk=key.job_id, epoch=key.epoch, token=key.token)

    def bound_as(self, binding: Key) -> JobQuerySet:
        """Return the job, if this is its last binding."""
        job_id, epoch = binding
        return self.filter(pk=job_id, epoch=epoch)

    def bound(self) -> JobQuerySet:
        """Return the jobs that occupy a place in an instance's window."""
        return self.filter(indexes.BOUND.q)

    def running(self) -> JobQuerySet:
        """Return the jobs whose attempt has a process."""
        return self.filter(indexes.RUNNING.q)

    def handed_over(self) -> JobQuerySet:
        """Return the jobs that something outside is to end."""
        return self.filter(indexes.HANDED_OVER.q)

    def unfinished(self) -> JobQuerySet:
        """Return the jobs without a final state."""
        return self.filter(indexes.UNFINISHED.q)

    def ended(self) -> JobQuerySet:
        """Return the jobs with a final state."""
        return self.filter(indexes.ENDED.q)

    def newest_first(self) -> JobQuerySet:
        """Return the jobs, the last submitted first."""
        return self.order_by("-created_at", "-id")

    def of_topic(self, pattern: Pattern) -> JobQuerySet:
        """Return the jobs whose topic is in the pattern's set."""
        if pattern.is_exact:
            return self.filter(topic=pattern.text)
        # Since SQLite's LIKE does not tell capitals from small letters.
        return self.filter(topic__regex=pattern.regex)

    def stoppable(self, *, force: bool = False) -> JobQuerySet:
        """Return the unfinished jobs that were not yet asked to stop, or to stop by force."""
        asked = "stop_forced" if force else "stop_requested"
        return self.of_type("ALL").filter(**{asked: False})

    def removable(self) -> JobQuerySet:
        """Return the jobs that neither offload nor Celery is running."""
        return self.filter(indexes.ENDABLE.q)

    def retriable(self) -> JobQuerySet:
        """Return the jobs of this cluster that have ended and were not retried yet."""
        retries = Job.objects.filter(retry_of=OuterRef("pk"))
        return self.ended().filter(~Exists(retries), kind=Kind.JOB, home=None)

    def without_values(self) -> JobQuerySet:
        """Leave out large columns that are not needed to submit a job again."""
        return self.defer("result", "traceback", "tail", "progress")

    def key(self, job_id: str) -> str:
        """Return a job's id for another form of its UUID, or the id as given for no job."""
        given, *usual = forms(job_id)
        if not usual or self.filter(pk=given).exists():
            return given
        return usual[0] if self.filter(pk=usual[0]).exists() else given

    def ids(self, values: Iterable[str]) -> JobQuerySet:
        """Return the jobs with these ids."""
        return self.filter(pk__in=list(values))


JobManager = OffloadManager.from_queryset(JobQuerySet)


class Job(Travelling):
    """A job: its topic, its properties, its state and its result."""

    id = KeyField(_("id"), primary_key=True, max_length=255)
    kind = models.CharField(
        _("kind"), max_length=8, choices=Kind, default=Kind.JOB, db_default="job"
    )
    topic = models.CharField(_("topic"), max_length=255)
    task = models.CharField(_("task"), max_length=255, default="", db_default="")
    #: Queue, need and topic in one text: jobs of one lane can run in the same places now.
    lane = models.CharField(max_length=900)
    queue = models.CharField(_("queue"), max_length=255, default="default", db_default="default")
    key = BytewiseField(_("key"), max_length=100, default="", db_default="")
    needs = models.CharField(_("needs"), max_length=16, default="", db_default="")
    args = JsonText(_("arguments"), default=list, db_default="[]")
    properties = JsonText(_("properties"), default=dict, db_default="{}")
    #: Options for Celery's message, frozen at submission.
    options = JsonText(default=dict, db_default="{}", always_object=True)
    #: The successors: chain, link, link_error; NULL if there are none.
    tail = JsonText(null=True, default=None)
    #: Whether the job has successors or a join.
    has_tail = models.BooleanField(default=False, db_default=False)

    state = models.CharField(
        _("state"),
        max_length=9,
        choices=STATE_CHOICES,
        default=JobState.PENDING,
        db_default="PENDING",
    )
    hold = models.CharField(
        _("held by"),
        max_length=10,
        choices=[(hold.value, hold.name.lower()) for hold in Hold],
        blank=True,
        default="",
        db_default="",
    )
    priority = models.SmallIntegerField(_("priority"), default=0, db_default=0)
    run_at = models.DateTimeField(_("not before"), null=True, default=None)
    expires_at = models.DateTimeField(_("expires"), null=True, default=None)
    stop_requested = models.BooleanField(_("stop requested"), default=False, db_default=False)
    stop_forced = models.BooleanField(_("stop by force"), default=False, db_default=False)

    instance = models.CharField(_("instance"), max_length=255, default="", db_default="")
    incarnation = models.CharField(max_length=36, default="", db_default="")
    epoch = models.PositiveIntegerField(_("epoch"), default=0, db_default=0)
    token = models.CharField(max_length=36, default="", db_default="")
    publishes = models.PositiveSmallIntegerField(default=0, db_default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0, db_default=0)
    failures = models.PositiveIntegerField(_("failures"), default=0, db_default=0)
    crashes = models.PositiveSmallIntegerField(_("crashes"), default=0, db_default=0)
    reruns = models.BooleanField(default=True, db_default=True)
    rescue = models.CharField(max_length=13, default="", db_default="")
    refusals = models.PositiveSmallIntegerField(_("refusals"), default=0, db_default=0)

    created_at = models.DateTimeField(_("submitted"), db_default=DatabaseNow(), editable=False)
    bound_at = models.DateTimeField(_("bound"), null=True, default=None)
    started_at = models.DateTimeField(_("started"), null=True, default=None)
    finished_at = models.DateTimeField(_("finished"), null=True, default=None)
    #: Set while an ACTIVE job is handed over: the time until which it must be ended.
    handed_until = models.DateTimeField(_("handed over until"), null=True, default=None)

    progress = models.JSONField(
        _("progress"), null=True, default=None, encoder=DjangoJSONEncoder, blank=True
    )
    result = JsonText(_("result"), null=True, default=None)
    error_type = models.CharField(_("error type"), max_length=255, default="", db_default="")
    error = models.TextField(_("error"), default="", db_default="")
    traceback = models.TextField(_("traceback"), default="", db_default="")
    #: Whether the result, callbacks or joins are still due after the end.
    aftermath_due = models.BooleanField(default=False, db_default=False)

    parent_id = models.CharField(_("parent"), max_length=255, default="", db_default="")
    root_id = models.CharField(_("root"), max_length=255, default="", db_default="")
    retry_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, default=None, related_name="retried_as", db_index=False
    )
    run = models.ForeignKey(
        "offload.Run", models.SET_NULL, null=True, default=None, related_name="jobs", db_index=False
    )
    payload = models.ForeignKey(
        "offload.Payload",
        models.PROTECT,
        null=True,
        default=None,
        related_name="jobs",
        db_index=False,
    )

    objects = JobManager()

    class Meta:
        """Partial indexes: each as large as the open cases of its query."""

        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = indexes.CONSTRAINTS
        indexes = indexes.INDEXES
        permissions = [
            ("operate_job", _("Can stop and retry jobs")),
            ("see_payload", _("Can see properties, results and files of jobs")),
        ]

    def __str__(self) -> str:
        """Return topic and id."""
        return f"{self.topic} {self.id}"

    @property
    def job_state(self) -> JobState:
        """Return the state as a member of its enumeration."""
        return JobState(self.state)

    @property
    def is_finished(self) -> bool:
        """Return whether the state is final."""
        return self.job_state.is_final

    @property
    def is_handed_over(self) -> bool:
        """Return whether the job is handed over, so that its token ends it."""
        return self.state == JobState.ACTIVE and self.handed_until is not None

    @property
    def outputs(self) -> QuerySet[PayloadFile]:
        """Return the files that the job's finish made visible."""
        if self.state != JobState.SUCCEEDED:
            return self.files.none()
        # R4
        return self.files.filter(epoch=self.epoch).select_related("payload").order_by("name")
