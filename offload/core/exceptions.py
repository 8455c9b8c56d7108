"""Everything offload raises; each error carries its facts and says what to do next.

Names say the fact, as Django's own do: what is caught is `UnknownJob`, not `UnknownJobError`.
"""

from __future__ import annotations

import copyreg


class OffloadError(Exception):
    """Something in offload failed; the log of this process holds the details."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or type(self).__name__)

    def __reduce__(self) -> tuple[object, ...]:
        # Leaves take facts, not the message, so the default recipe could not rebuild them.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class InvalidTopic(OffloadError, ValueError):
    """A topic is segments of letters, digits, `_` and `-` joined by `/`."""

    def __init__(self, *, topic: object, problem: str) -> None:
        self.topic = topic
        self.problem = problem
        super().__init__(
            f"{topic!r:.300} is not a topic: {problem}. Write segments of letters, digits, "
            "'_' and '-' joined by '/', such as 'dam/rendition/web'."
        )


class InvalidPattern(OffloadError, ValueError):
    """A pattern is `a/b`, `a/*`, `a/**` or `**`."""

    def __init__(self, *, pattern: object, problem: str) -> None:
        self.pattern = pattern
        self.problem = problem
        super().__init__(
            f"{pattern!r:.300} is not a pattern: {problem}. Write 'a/b' for one topic, 'a/*' for "
            "one more segment, 'a/**' for one or more, or '**' for everything."
        )


class InvalidProperties(OffloadError, ValueError):
    """The properties of a job are JSON: text keys, finite numbers, lists, true, false, null."""

    def __init__(self, *, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path} {problem}. Pass plain JSON, and put large data into files.")


class InvalidDelay(OffloadError, ValueError):
    """A delay is a number of seconds, zero or more, and has an end."""

    def __init__(self, *, delay: object, most: int) -> None:
        self.delay = delay
        self.most = most
        super().__init__(
            f"{delay!r:.300} is not a delay. Pass seconds, zero or more, "
            f"at most {most} (ten years)."
        )


class InvalidPriority(OffloadError, ValueError):
    """A priority is an integer that the database can hold."""

    def __init__(self, *, priority: object, least: int, most: int) -> None:
        self.priority = priority
        self.least = least
        self.most = most
        super().__init__(
            f"{priority!r:.300} is not a priority. Pass an integer from {least} to {most}; "
            "higher runs earlier."
        )


class InvalidName(OffloadError, ValueError):
    """A file of a payload has a plain name, not a path."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"{name!r:.300} cannot name a file of a payload: {problem}. "
            "Use a plain name such as 'original.jpg'."
        )


class UnknownQueue(OffloadError, LookupError):
    """There is no queue of that name."""

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is no queue {name!r}. Add it in the admin under Offload, Queues, "
            "or leave the queue out to have it chosen by topic."
        )


class UnknownInstance(OffloadError, LookupError):
    """There is no instance of that name."""

    def __init__(self, *, name: str) -> None:
        self.name = name
        super().__init__(
            f"There is no instance {name!r}. 'manage.py offload instances' lists those known."
        )


class UnknownJob(OffloadError, LookupError):
    """There is no job with that id."""

    def __init__(self, *, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"There is no job {job_id!r}: it was removed, or its transaction was rolled back. "
            "'manage.py offload jobs' lists those there are."
        )


class UnknownWorkflow(OffloadError, LookupError):
    """There is no workflow of that name."""

    def __init__(self, *, name: str, known: tuple[str, ...] = ()) -> None:
        self.name = name
        self.known = known
        there = f"There are: {', '.join(known)}." if known else "None is defined."
        super().__init__(
            f"There is no workflow {name!r}. {there} Define it with @workflow({name!r}) in a "
            "module workflow.py of an installed app."
        )


class MissingFile(OffloadError, LookupError):
    """A file is not where it was said to be."""

    def __init__(self, *, name: str, known: tuple[str, ...] | None = None) -> None:
        self.name = name
        self.known = known
        super().__init__(f"There is no file {name!r}. {self._there()}")

    def _there(self) -> str:
        if self.known is None:
            return "Check the path and try again."
        if not self.known:
            return "The job came without files. Submit it with files={…}."
        return f"There are: {', '.join(self.known)}."


class UnreadableFile(OffloadError):
    """A file is there and cannot be read."""

    def __init__(self, *, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"The file {name!r} cannot be read: {problem}. Look at its permissions and its disk, "
            "and try again."
        )


class NoCurrentJob(OffloadError, RuntimeError):
    """This code runs outside of a job; call it from a consumer, or look the job up by its id."""


class JobFailed(OffloadError):
    """The job ended without a result."""

    def __init__(self, *, job_id: str, state: str, error: str) -> None:
        self.job_id = job_id
        self.state = state
        self.error = error
        super().__init__(
            f"Job {job_id} ended {state}: {(error or 'no error was recorded').rstrip('.')}. "
            f"'manage.py offload job {job_id}' shows its attempts."
        )


class JobTimeout(OffloadError):
    """The job did not end in the time it was waited for; it goes on."""

    def __init__(self, *, job_id: str, timeout: float, state: str) -> None:
        self.job_id = job_id
        self.timeout = timeout
        self.state = state
        super().__init__(
            f"Job {job_id} is still {state} after {timeout:g} s; it goes on. "
            f"'manage.py offload job {job_id}' says what it waits for."
        )


class MissingResult(OffloadError, LookupError):
    """The job succeeded, but what it returned is nowhere any more."""

    def __init__(self, *, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"What job {job_id} returned was too large for its row, and is not in the result "
            "backend any more. Raise OFFLOAD['MAX_RESULT'], or return large data as files."
        )


class StaleAttempt(OffloadError):
    """This attempt was replaced by a newer one; what it writes is discarded."""

    def __init__(self, *, job_id: str, epoch: int) -> None:
        self.job_id = job_id
        self.epoch = epoch
        super().__init__(
            f"Attempt {epoch} of job {job_id} was replaced or ended meanwhile; what it writes "
            "is discarded. Stop working on it."
        )


class InvalidToken(OffloadError, ValueError):
    """A token is the text that `job.hand_over()` returned."""

    # The text is not shown: whoever has it may end the job.
    def __init__(self, *, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"This is not the token of a job that was handed over: {problem}. "
            "Pass the text that job.hand_over() returned, unchanged."
        )


class FailedOutside(OffloadError):
    """What the job was handed over to said that it failed; ask there, and submit it anew."""


class IllegalTransition(OffloadError):
    """A job cannot go from that state to the other."""

    def __init__(self, *, job_id: str, old: str, new: str) -> None:
        self.job_id = job_id
        self.old = old
        self.new = new
        super().__init__(
            f"Job {job_id} cannot go from {old} to {new}. Look at it again: it has moved on, "
            "and a final state stays. To run it once more, retry it as a new job."
        )


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
    """The broker does not answer."""

    # The address is shown as it is passed: pass it without its password.
    def __init__(self, *, url: str, problem: str) -> None:
        self.url = url
        self.problem = problem
        super().__init__(
            f"The broker at {url} does not answer: {problem}. Start it; the embedded one is "
            "started by 'manage.py offload broker'. Jobs wait safely in the database."
        )


class ConfigurationError(OffloadError):
    """A setting cannot be as it is."""

    def __init__(self, *, setting: str, problem: str) -> None:
        self.setting = setting
        self.problem = problem
        super().__init__(
            f"{setting}: {problem}. Correct it; 'manage.py offload doctor' checks the settings."
        )


class PermanentError(OffloadError):
    """The job can never succeed as it is; it ends in ERROR at once and is not retried."""


class StillBusy(OffloadError):
    """Jobs that were to be run in a test go on and on."""

    def __init__(self, *, attempts: int) -> None:
        self.attempts = attempts
        super().__init__(
            f"After {attempts} attempts there are jobs left. Look for one that fails and is "
            "retried for ever, or submits itself; or allow more with run_jobs(most=…)."
        )
