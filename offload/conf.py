"""The only access to settings: the dict ``OFFLOAD`` as a frozen value with defaults."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.signals import setting_changed

from offload.core.discovery.labels import merged, split
from offload.core.exceptions import ConfigurationError
from offload.core.peers.configuration import PeersConfig, read_peers

#: The name of a cluster that is given none.
NO_CLUSTER = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every key of ``OFFLOAD`` in lower case, with its default.

    Times are seconds.
    """

    #: Name of the cluster: all instances that share one database.
    cluster: str = NO_CLUSTER
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
    #: Seconds after which an instance that is gone is forgotten, unless jobs are bound to it; 0
    #: keeps it for ever.
    forget_gone: float = 86_400.0
    #: Bound jobs that an instance may hold, as a multiple of its concurrency.
    window_factor: float = 2.0
    #: Seconds between two sweeps of the leader.
    sweep: float = 0.5
    #: Seconds that binding at submit may take before it is left to the sweep.
    bind_limit: float = 1.0
    #: Submit plain jobs by one insert and wake an agent, which binds them; otherwise whoever
    #: submits a job binds it.
    fast_submit: bool = True
    #: Wake agents of other hosts by PostgreSQL's ``NOTIFY``; never where a pooler lends connections
    #: (``DISABLE_SERVER_SIDE_CURSORS``).
    notify: bool = True
    #: Seconds until a bound job that its instance does not hold is published again; doubled each
    #: time.
    republish: float = 1.0
    #: Seconds that a bound job waits unclaimed before it may move to an instance with a free slot.
    recall: float = 10.0
    #: Seconds for which the steps of a run with the placement ``near`` or ``spread`` wait for the
    #: instance that they are meant for; then any may run them.
    near: float = 5.0
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
    #: Claim jobs, and write their ends, in groups: the agent does it for the processes of a pool.
    groups: bool = True
    #: Keep database connections between tasks (health-checked, closed after errors).
    keep_connections: bool = True
    #: Labels of the instances started with these settings, for rules by label. ``site=lab`` is a
    #: property too.
    labels: tuple[str, ...] = ()
    #: Version of the site's code, which its instances announce; nothing if it is empty.
    code_version: str = ""
    #: Transports of files to other clusters: for each peer, and by ``*`` for all others, the names
    #: of those allowed, the first choice first.
    transports: dict[str, list[str]] = field(default_factory=lambda: {"*": ["inline", "http"]})
    #: Alias in ``STORAGES`` of a storage that peers see too, for the transport ``storage``.
    shared_storage: str = ""
    #: Folder for uploads of peers that are not complete, which all web servers of the site share,
    #: and no other site; one of the system's for temporary files if it is empty.
    uploads: str = ""
    #: Header by which the web server in front sends files itself: ``X-Accel-Redirect`` (nginx) or
    #: ``X-Sendfile`` (Apache); nothing if it is empty.
    sendfile_header: str = ""
    #: Prefix of a file's path in that header, such as nginx's internal location.
    sendfile_prefix: str = ""
    #: Most files of a job from another cluster.
    max_files: int = 1_000
    #: Largest file of such a job, in bytes.
    max_file: int = 8_589_934_592
    #: Largest sum of the files of such a job, in bytes.
    max_payload: int = 34_359_738_368
    #: Bytes of each disk that files from another cluster, and files of runs in the scratch folder,
    #: leave free.
    min_free: int = 1_073_741_824
    #: Seconds for which a content that no job uses any more is kept since it was last used, as
    #: another cluster may send it again; 0 keeps none.
    keep_files: float = 86_400.0
    #: Largest sum of such contents, in bytes.
    max_kept: int = 10_737_418_240
    #: Folder, on a disk of this host, for local copies of inputs and what programs write; the
    #: system's for temporary files if it is empty.
    scratch: str = ""
    #: Largest sum of one run's files there, in bytes.
    max_scratch: int = 34_359_738_368
    #: Last lines of the log of each attempt that are kept; 0 keeps none.
    log_lines: int = 500
    #: Queues by name, each with ``topics`` and the other fields of the admin's form.
    queues: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Resources by name, each with ``capacity`` and the other fields of the admin's form.
    resources: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Launchers by name, each with ``pattern``, ``workflow`` and other fields of the admin's form.
    launchers: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Start nothing by launchers from processes with these settings.
    launchers_off: bool = False
    #: Fields of models whose saved files launchers take, such as ``shop.Photo.image``.
    launch_fields: tuple[str, ...] = ()
    #: Folders that agents watch for files, by the first part of those files' paths.
    watch: dict[str, str] = field(default_factory=dict)
    #: The instances whose agents do, as a glob of their names.
    watch_by: str = "*"
    #: Seconds for which neither size nor time of a file there must have changed.
    watch_still: float = 5.0
    #: Seconds between two looks into these folders.
    watch_every: float = 1.0
    #: Other clusters by their names, each with ``KEY`` and further options; see below.
    peers: dict[str, Any] = field(default_factory=dict)
    #: Switches of all other clusters that are off until somebody sets them: ``send``, ``accept``,
    #: ``move``.
    peers_off: tuple[str, ...] = ()
    #: Seconds for which a request to change rules in another cluster waits for its verdict before
    #: it is taken back.
    request_timeout: float = 86_400.0


SETTING_KEYS = {field.name.upper(): field.name for field in fields(Settings)}


def parse(given: dict[str, Any]) -> Settings:
    """Return the settings that ``given`` makes.

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
    for name in {"labels", "launch_fields"} & values.keys():
        values[name] = tuple(values[name])
    return Settings(**values)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings in force."""
    return parse(getattr(django_settings, "OFFLOAD", {}))


@lru_cache(maxsize=1)
def peers() -> PeersConfig:
    """Return the other clusters that are known here; raise ConfigurationError for a mistake."""
    given = settings()
    return read_peers(given.peers, given.cluster, given.peers_off)


def takes_runs() -> bool:
    """Return whether some other cluster may send jobs here, and so whole runs."""
    try:
        return any(one.accepts for one in peers().by_name.values())
    except ConfigurationError:
        # A check says so.
        return False


def cluster_name() -> str:
    """Return the name that the settings give this cluster; "" if they give none."""
    name = settings().cluster
    return "" if name == NO_CLUSTER else name


def lease_time() -> float:
    """Return for how many seconds after a heartbeat a worker, or a cluster, may start jobs."""
    given = settings()
    return max(given.timeout - 2 * given.heartbeat, given.timeout / 2)


def labels() -> tuple[str, ...]:
    """Return the labels of an instance of this process: the settings', and the environment's."""
    return merged(settings().labels, labels_of_environment())


def labels_of_environment() -> tuple[str, ...]:
    """Return the labels that the variable ``OFFLOAD_LABELS`` gives."""
    return split(os.environ.get("OFFLOAD_LABELS", ""))


def code_version() -> str:
    """Return the version of the site's code: the environment's, or that of the settings."""
    return os.environ.get("OFFLOAD_CODE_VERSION", "") or settings().code_version


def require_app() -> None:
    """Raise ConfigurationError if offload is known not to be installed."""
    if apps.apps_ready and not apps.is_installed("offload"):
        raise ConfigurationError(
            setting="INSTALLED_APPS",
            problem='"offload" is missing. Write in the settings: '
            'INSTALLED_APPS += ["django_celery_results", "django_htmx", "offload"]',
        )


def _forget(*, setting: str, **_: object) -> None:
    if setting == "OFFLOAD":
        settings.cache_clear()
        peers.cache_clear()


setting_changed.connect(_forget, dispatch_uid="offload.conf")
