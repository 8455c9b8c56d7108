"""Errors of jobs, workers and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions.base import OffloadError
from offload.core.texts import with_type

if TYPE_CHECKING:
    from collections.abc import Mapping


#: Characters of a program's last lines that its error shows.
STDERR_SHOWN = 2_000


class NoCurrentJob(OffloadError, RuntimeError):
    """This code runs outside of a job; call it from a consumer, or write JobHandle(id)."""


class JobFailed(OffloadError):
    """The job ended without a result."""

    def __init__(self, *, job_id: str, state: str, error: str, error_type: str = "") -> None:
        self.job_id = job_id
        self.state = state
        self.error = error
        self.error_type = error_type
        reason = with_type(error_type, error) or "no error was recorded"
        super().__init__(
            f"Job {job_id} ended {state}: {reason.rstrip('.')}. "
            f"'manage.py offload job {job_id}' shows its attempts."
        )


IN_TRANSACTION_HINT = (
    " This waits inside a transaction, and a job that was submitted in it begins only after its "
    "commit: wait outside, or in a test call run_jobs() first."
)


class JobTimeout(OffloadError):
    """The job did not end within the timeout; it goes on."""

    def __init__(
        self, *, job_id: str, timeout: float, state: str, in_transaction: bool = False
    ) -> None:
        self.job_id = job_id
        self.timeout = timeout
        self.state = state
        super().__init__(
            f"Job {job_id} is still {state} after {timeout:g} s; it goes on. "
            f"'manage.py offload job {job_id}' says what it waits for."
            + (IN_TRANSACTION_HINT if in_transaction else "")
        )


class RunTimeout(OffloadError):
    """The run did not end within the timeout; it goes on."""

    def __init__(self, *, run_id: str, timeout: float, unfinished: int) -> None:
        self.run_id = run_id
        self.timeout = timeout
        self.unfinished = unfinished
        super().__init__(
            f"Run {run_id} has not ended after {timeout:g} s: {unfinished} of its steps wait or "
            "run; it goes on. Its 'steps' say what each waits for."
        )


class StaleAttempt(OffloadError):
    """This attempt was replaced by a newer one, or has ended; its writes are discarded."""

    def __init__(self, *, job_id: str, epoch: int) -> None:
        self.job_id = job_id
        self.epoch = epoch
        super().__init__(
            f"Attempt {epoch} of job {job_id} was replaced or ended meanwhile; its writes are "
            "discarded. Stop working on it."
        )


class JobStopped(OffloadError):
    """Somebody asked the job to stop; raised by ``check_stop()``, it ends the run as STOPPED."""

    def __init__(self, *, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"Job {job_id} was asked to stop. Let this exception leave the job's function, so that "
            "the job ends as STOPPED."
        )


class OpenTransaction(OffloadError):
    """The run left a transaction open; its uncommitted changes were rolled back."""

    def __init__(self, *, left: Mapping[str, str]) -> None:
        self.left = left
        where = " and ".join(f"in database {alias!r}, {how}" for alias, how in left.items())
        super().__init__(
            f"The run left a transaction open: {where}. Its uncommitted changes were rolled back. "
            "Write 'with transaction.atomic():', or end every transaction that the code begins."
        )


class CannotBegin(OffloadError):
    """The job failed before it began, on its way into its worker; look at the worker's log."""


class FailedOutside(OffloadError):
    """The system that took over the job reported a failure; look there for the reason."""


class ProgramFailed(OffloadError):
    """A program that the job ran failed, took too long, made no such file, or is not here."""

    def __init__(
        self, *, program: str, problem: str, status: int | None = None, stderr: str = ""
    ) -> None:
        self.program = program
        self.problem = problem
        #: As subprocess has it: negative for a signal, None if it did not end by itself.
        self.status = status
        #: The last lines of its standard error.
        self.stderr = stderr
        # The last line says most, and lists show only the first one of an error.
        before, _, last = stderr[-STDERR_SHOWN:].rpartition("\n")
        output = f" It said: {last}" if last else ""
        all_lines = f"\nIts last lines:\n{before}\n{last}" if before else ""
        super().__init__(f"The program {program!r:.300} failed: {problem}.{output}{all_lines}")


class NotRetriable(OffloadError):
    """The job has not ended, or is not offload's; only an ended job is retried, as a new job."""

    def __init__(self, *, job_id: str, state: str, problem: str) -> None:
        self.job_id = job_id
        self.state = state
        self.problem = problem
        super().__init__(f"Job {job_id} cannot be retried. {problem}")


class JobUnfinished(OffloadError):
    """A job of that id has not ended; it can be sent again once it has."""

    def __init__(self, *, job_id: str, state: str) -> None:
        self.job_id = job_id
        self.state = state
        super().__init__(
            f"Job {job_id} is {state}, or its successors are not stored yet. Send it again under "
            "its id after that. For another job now, leave out task_id, or send a new signature "
            "instead of the frozen one."
        )


class NotRemovable(OffloadError):
    """The job runs or has ended; only a job that waits or was handed over can be removed."""

    def __init__(self, *, job_id: str, state: str, problem: str) -> None:
        self.job_id = job_id
        self.state = state
        self.problem = problem
        super().__init__(f"Job {job_id} cannot be removed. {problem}")


class NameInUse(OffloadError):
    """Another living worker has this nodename."""

    def __init__(self, *, name: str, host: str, pid: int) -> None:
        self.name = name
        self.host = host
        self.pid = pid
        super().__init__(
            f"The name {name!r} is in use by {host}:{pid}. Start this worker with another "
            "'-n NAME', or end the other one first."
        )


class BrokerUnreachable(OffloadError):
    """The broker does not answer, or refuses the connection."""

    # The address is shown as it is passed: pass it without its password.
    def __init__(
        self, *, url: str, problem: str, is_refused: bool = False, next_step: str = ""
    ) -> None:
        self.url = url
        self.problem = problem
        self.is_refused = is_refused
        self.fact = f"The broker at {url} {self._does()}: {problem}."
        instead = next_step or (
            "Correct CELERY_BROKER_URL: its user, its password, or what follows the last slash."
            if is_refused
            else "Start it; the embedded one is started by 'manage.py offload broker'."
        )
        super().__init__(f"{self.fact} {instead} Jobs wait safely in the database.")

    def _does(self) -> str:
        return "refuses the connection" if self.is_refused else "does not answer"


class ConfigurationError(OffloadError):
    """A setting is invalid."""

    def __init__(self, *, setting: str, problem: str) -> None:
        self.setting = setting
        self.problem = problem
        super().__init__(
            f"{setting}: {problem}. Correct it; 'manage.py offload doctor' checks the settings."
        )


class PermanentError(OffloadError):
    """The job can never succeed as it is; it ends in ERROR at once and is not retried."""


class WrongCall(PermanentError, TypeError):
    """The task does not accept the job's arguments; submit it with those that it takes."""


class StillBusy(OffloadError):
    """The jobs of a test keep running."""

    def __init__(self, *, attempts: int) -> None:
        self.attempts = attempts
        super().__init__(
            f"Jobs are left after {attempts} attempts. Look for one that is retried for ever, or "
            "that submits itself; or allow more attempts with run_jobs(most=…)."
        )


class NotLetToRule(OffloadError, RuntimeError):
    """Another cluster says that its rules cannot be changed from here."""

    def __init__(self, *, peer: str) -> None:
        self.peer = peer
        super().__init__(
            f"{peer} does not let this cluster change its rules, so nothing was sent. Its people "
            "can, by MAY_RULE in their PEERS. To keep only jobs of this cluster from an instance "
            "there, write --here."
        )
