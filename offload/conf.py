"""The one door to settings: the dict ``OFFLOAD`` as a frozen value with defaults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.signals import setting_changed

from offload.core.exceptions import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every key of ``OFFLOAD`` in lower case, with its default.

    Times are seconds.
    """

    #: Name of the cluster: all instances that share one database.
    cluster: str = "default"
    #: Alias of the Django database with offload's tables; jobs take part in its transactions.
    database: str = "default"
    #: Alias in ``STORAGES`` for payload files.
    storage: str = "default"
    #: Import path of the Celery app (``project.celery``); found by ``install`` when empty.
    celery_app: str = ""
    #: Seconds between two heartbeats of an instance.
    heartbeat: float = 3.0
    #: Seconds without a new heartbeat, as seen by an observer, until an instance is gone.
    timeout: float = 12.0
    #: Bound jobs that an instance may hold, as a multiple of its concurrency.
    window_factor: float = 2.0
    #: Seconds between two sweeps of the leader.
    sweep: float = 0.5
    #: Seconds that binding at submit may take before it is left to the sweep.
    bind_limit: float = 1.0
    #: Seconds until a bound job that its instance does not hold is published again; doubled each
    #: time.
    republish: float = 1.0
    #: Seconds that a bound job waits unclaimed before it may move to an instance with a free slot.
    recall: float = 10.0
    #: Seconds for which the topology is trusted before its version is checked again.
    topology_age: float = 1.0
    #: Seconds that a change of the topology lasts for listeners; what follows within them is
    #: part of it.
    topology_delay: float = 3.0
    #: Failed attempts that are retried in a queue without its own policy; then the job is given
    #: up.
    retries: int = 10
    #: Seconds before the first retry of such a job.
    retry_delay: float = 2.0
    #: Factor by which the delay grows from one retry of such a job to the next.
    retry_backoff: float = 2.0
    #: Longest delay in seconds that a backoff can reach, in any queue.
    retry_max_delay: float = 600.0
    #: Fraction of each delay, in any queue, that may be randomly subtracted.
    retry_jitter: float = 0.25
    #: Crashes of its process or instance after which a job is given up.
    crashes: int = 3
    #: Largest properties of a job, in bytes of JSON.
    max_properties: int = 262_144
    #: Largest result, in bytes of JSON, that stays in the job's row once the result backend keeps
    #: it.
    max_result: int = 65_536
    #: Write Celery's result with the job's end, in one statement, if both are in the same
    #: database. If they are not, or with ``False``, the result backend writes it afterwards, with
    #: Django's signals.
    results_in_transaction: bool = True
    #: Keep database connections between tasks (health-checked, closed after errors).
    keep_connections: bool = True
    #: Labels of the instances started with these settings, for rules by label.
    labels: tuple[str, ...] = ()
    #: Queues by name, each with ``topics`` and the other fields of the admin's form.
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)


SETTING_KEYS = {field.name.upper(): field.name for field in fields(Settings)}


def parse(given: dict[str, Any]) -> Settings:
    """Return settings made of ``given``.

    Raise ConfigurationError for an unknown key, with the nearest known one.
    """
    for key in given:
        if key not in SETTING_KEYS:
            near = get_close_matches(key, SETTING_KEYS, n=1)
            hint = (
                f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(SETTING_KEYS)}"
            )
            raise ConfigurationError(setting=f"OFFLOAD[{key!r:.100}]", problem=f"unknown; {hint}")
    values = {SETTING_KEYS[key]: value for key, value in given.items()}
    if "labels" in values:
        values["labels"] = tuple(values["labels"])
    return Settings(**values)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings in force."""
    return parse(getattr(django_settings, "OFFLOAD", {}))


def require_app() -> None:
    """Raise ConfigurationError where offload is known not to be among the installed apps."""
    if apps.apps_ready and not apps.is_installed("offload"):
        raise ConfigurationError(
            setting="INSTALLED_APPS",
            problem='"offload" is missing. Write in the settings: '
            'INSTALLED_APPS += ["django_celery_results", "django_htmx", "offload"]',
        )


def _forget(*, setting: str, **_: object) -> None:
    if setting == "OFFLOAD":
        settings.cache_clear()


setting_changed.connect(_forget, dispatch_uid="offload.conf")
