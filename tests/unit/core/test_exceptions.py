from __future__ import annotations

import pickle

import pytest

from offload.core import exceptions
from offload.core.exceptions import (
    CannotBegin,
    FailedOutside,
    NoCurrentJob,
    OffloadError,
    PermanentError,
    WrongCall,
)
from offload.core.exceptions.file_problems import FILE_PROBLEMS, file_problem
from offload.core.exceptions.invalid import ITSELF

EVERY = [
    (exceptions.InvalidTopic(topic="a//b", problem="a segment is empty"), "'a//b'", "Write"),
    (exceptions.InvalidPattern(pattern="*a", problem="no"), "'*a'", "Write"),
    (exceptions.InvalidProperties(path="properties.x", problem="is NaN"), "properties.x", "Pass"),
    (
        exceptions.UnfitProperties(topic="a/b", problem="does not take 'x'; did you mean 'y'?"),
        "did you mean 'y'?",
        "restart the workers",
    ),
    (
        exceptions.UnfitProperties(topic="a/b", problem=f"cannot take 'job': {ITSELF}"),
        "cannot take 'job'",
        "under another name.",
    ),
    (exceptions.InvalidPath(path="../a", problem="no"), "'../a'", "Write the path"),
    (exceptions.InvalidPathPattern(pattern="a//b", problem="no"), "'a//b'", "Write 'a/b.jpg'"),
    (exceptions.InvalidKey(key="a" * 200, problem="it is long"), "it is long", "at most 100"),
    (exceptions.InvalidLauncher(name="new", problem="No. Say one."), "'new'", "Say one"),
    (exceptions.InvalidApp(app="project.celery"), "'project.celery'", "offload.install(app)"),
    (exceptions.InvalidConsumer(name="a.b", problem="it is a generator"), "a.b", "a generator"),
    (exceptions.InvalidDelay(delay=-1, most=60), "-1", "at most 60"),
    (exceptions.InvalidPriority(priority=99999, least=-8, most=7), "99999", "from -8 to 7"),
    (
        exceptions.NotRemovable(job_id="42", state="ACTIVE", problem="It runs; stop it instead."),
        "42",
        "stop it",
    ),
    (exceptions.InvalidNumber(name="most", value=0, allowed="a number"), "`most`", "Pass a number"),
    (exceptions.InvalidQueue(name="slow", problem="Say its topics."), "'slow'", "Say its topics"),
    (exceptions.RetryLater(delay=5), "tried again in 5 s", "Raise PermanentError"),
    (exceptions.InvalidErrorName(name="a b"), "'a b' names no exception", "dotted names"),
    (exceptions.InvalidRate(text="9/y", problem="no unit"), "'9/y'", "Write a number and a unit"),
    (exceptions.InvalidWindow(text="mon", problem="no time"), "'mon'", "Write days and times"),
    (exceptions.UnknownTimeZone(name="Mars/Base"), "'Mars/Base'", "pip install tzdata"),
    (exceptions.InvalidPlacement(option="retry_with", problem="no"), "no.", "Write requires="),
    (exceptions.InvalidPreference(given="fast", problem="no pair"), "'fast'", "Write prefers="),
    (exceptions.InvalidRequirement(name="gpu", problem="no value"), "'gpu'", "Write requires="),
    (exceptions.InvalidResource(name="maya", problem="no amount"), "'maya'", "Jobs use it by"),
    (exceptions.UnknownResource(name="mya", known=["maya"]), "Did you mean 'maya'", "Define it"),
    (exceptions.ResourceDenied("maya", retry_in=60), "in 60 s", "resources clear"),
    (exceptions.InvalidRule(target="", problem="It is empty."), "''", "Name one instance"),
    (exceptions.InvalidProgram(problem="there is no shell"), "no shell", "Write a list"),
    (exceptions.InvalidDelivery(name="a.png", problem="no such field"), "a.png", "deliver_to"),
    (
        exceptions.ProgramFailed(program="sort", problem="it ended with status 2", stderr="no a"),
        "'sort' failed",
        "It said: no a",
    ),
    (
        exceptions.ProgramFailed(program="sort", problem="it ended", stderr="cannot\nno a"),
        "It said: no a\n",
        "Its last lines:\ncannot\nno a",
    ),
    (exceptions.InvalidName(name="../x", problem="a slash"), "'../x'", "Use"),
    (exceptions.InvalidProperty(name="gpu", problem="its value is NaN"), "is NaN", "Give it"),
    (exceptions.UnknownQueue(name="slow"), "'slow'", "Add"),
    (exceptions.UnknownLauncher(name="new"), "'new'", "Add"),
    (exceptions.UnknownInstance(name="gpu@x"), "'gpu@x'", "offload instances"),
    (exceptions.UnknownPeer(name="rendr", known=["render"]), "'rendr'", "offload peers"),
    (exceptions.InvalidSwitch(switch="send", problem="It is long."), "'send'", "Write a shorter"),
    (exceptions.UnknownRequest(number=7), "no request 7", "peers requests"),
    (exceptions.UnknownRequest(number=7, state="applied"), "applied already", "peers requests"),
    (exceptions.NotLetToRule(peer="render"), "render does not", "--here"),
    (exceptions.UnknownRule(rule_id=7), "rule 7", "offload rules"),
    (
        exceptions.AlreadyDecided(
            run_id="r1", step="ask", outcome="approved", by="ada", note="fine"
        ),
        "step ask approved by ada: fine",
        "runs show r1",
    ),
    (
        exceptions.RunRefused(run_id="r1", problem="is not paused"),
        "r1 is not paused",
        "runs show r1",
    ),
    (
        exceptions.NoPeerForRun(workflow="dam/x", problem="render cannot do dam/y."),
        "dam/x cannot go whole to another cluster: render cannot do dam/y. Nothing",
        "offload peers",
    ),
    (
        exceptions.UnfitParameters(workflow="dam/x", problem="needs 'width'"),
        "dam/x needs 'width'",
        "offload workflows dam/x",
    ),
    (
        exceptions.UnknownStep(run_id="r1", step="x", known=("a", "b")),
        "no step 'x'",
        "Its steps are: a, b",
    ),
    (exceptions.UnknownRun(run_id="r1"), "'r1'", "The admin lists"),
    (exceptions.RunTimeout(run_id="r1", timeout=2.5, unfinished=3), "3 of its steps", "it goes on"),
    (exceptions.UnknownJob(job_id="j1"), "'j1'", "offload jobs"),
    (exceptions.UnknownWorkflow(name="dam/x", known=("dam/y",)), "'dam/x'", "There are: dam/y"),
    (exceptions.MissingFile(name="48.png", known=("1280.webp",)), "'48.png'", "1280.webp"),
    (exceptions.MissingFile(name="48.png"), "'48.png'", "Check"),
    (exceptions.MissingFile(name="48.png", known=()), "'48.png'", "Submit it with files="),
    (exceptions.UnreadableFile(name="48.png", problem="I/O error"), "I/O error", "permissions"),
    (
        exceptions.FileNotStored(name="48.png", storage="files", problem="No space left on device"),
        "No space left on device",
        "free space",
    ),
    (exceptions.JobFailed(job_id="j1", state="ERROR", error="boom"), "boom", "offload job j1"),
    (exceptions.JobFailed(job_id="j1", state="ERROR", error=""), "no error", "offload job j1"),
    (
        exceptions.JobFailed(job_id="j1", state="ERROR", error="'x'", error_type="m.KeyError"),
        "ERROR: KeyError: 'x'.",
        "offload job j1",
    ),
    (exceptions.JobStopped(job_id="j1"), "j1", "Let this exception leave"),
    (exceptions.JobTimeout(job_id="j1", timeout=2.5, state="QUEUED"), "2.5 s", "offload job j1"),
    (exceptions.JobUnfinished(job_id="j1", state="ACTIVE"), "j1 is ACTIVE", "leave out task_id"),
    (exceptions.MissingResult(job_id="j1"), "result of job j1", "Raise OFFLOAD"),
    (exceptions.StaleAttempt(job_id="j1", epoch=3), "Attempt 3", "Stop"),
    (exceptions.InvalidToken(problem="it is cut"), "it is cut", "Pass"),
    (
        exceptions.NotRetriable(job_id="j1", state="ACTIVE", problem="It is ACTIVE; stop it."),
        "j1 cannot be retried",
        "stop it",
    ),
    (exceptions.InvalidId(job=7, problem="it is of type int"), "7 names no job", "Pass the handle"),
    (exceptions.InvalidValue(kind="object", problem="no JSON"), "type object", "Return plain JSON"),
    (exceptions.InvalidFile(name="a", problem="it is of type int"), "'a'", "Pass a path"),
    (exceptions.NameInUse(name="gpu@x", host="x", pid=7), "x:7", "-n NAME"),
    (exceptions.BrokerUnreachable(url="redis://x", problem="refused"), "redis://x", "broker"),
    (
        exceptions.BrokerUnreachable(url="redis://x", problem="wrong password", is_refused=True),
        "redis://x refuses the connection",
        "Correct CELERY_BROKER_URL",
    ),
    (
        exceptions.OpenTransaction(left={"default": "autocommit was switched off"}),
        "'default', autocommit was switched off",
        "Write 'with transaction.atomic()",
    ),
    (exceptions.StillBusy(attempts=20), "after 20 attempts", "run_jobs(most="),
    (exceptions.ConfigurationError(setting="RETRIES", problem="is -2"), "RETRIES", "doctor"),
    (
        exceptions.ConsumerError(name="a.png", problem="it is so."),
        "'a.png'",
        "processed",
    ),
    (exceptions.FileProblem(name="a.png", problem="it is so."), "'a.png'", "cannot be used"),
    (exceptions.FormatUnsupported(name="a.png", problem="it is so."), "'a.png'", "another format"),
    (exceptions.InvalidTicket(name="a.png", problem="it is so."), "'a.png'", "older side"),
    (exceptions.NoSpace(name="a.png", problem="it is so."), "'a.png'", "Free some space"),
    (exceptions.TransferRefused(name="a.png", problem="it is so."), "'a.png'", "refused"),
    (exceptions.SourceCorrupt(name="a.png", problem="it is so."), "'a.png'", "good copy"),
    (exceptions.SourceUnsupported(name="a.png", problem="it is so."), "'a.png'", "not supported"),
    (exceptions.TimedOut(name="a.png", problem="it is so."), "'a.png'", "too long"),
    (exceptions.TooLarge(name="a.png", problem="it is so."), "'a.png'", "smaller"),
    (exceptions.TransferFailed(name="a.png", problem="it is so."), "'a.png'", "try again"),
]


# These have no facts: a default message is what they say.
FACTLESS = [NoCurrentJob(), PermanentError(), FailedOutside(), CannotBegin(), WrongCall()]


@pytest.mark.parametrize(("error", "fact", "step"), EVERY, ids=lambda it: type(it).__name__)
def test_an_error_says_its_fact_and_the_next_step(
    error: OffloadError, fact: str, step: str
) -> None:
    assert fact in str(error)
    assert step in str(error)


@pytest.mark.parametrize(
    "error", [*(row[0] for row in EVERY), *FACTLESS], ids=lambda it: type(it).__name__
)
def test_an_error_survives_the_way_between_processes_with_its_facts(error: OffloadError) -> None:
    back = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert vars(back) == vars(error)


@pytest.mark.parametrize("error", FACTLESS, ids=lambda it: type(it).__name__)
def test_an_error_without_facts_says_its_docstring(error: OffloadError) -> None:
    assert str(error) == type(error).__doc__


def test_a_consumer_says_itself_why_its_job_can_never_succeed() -> None:
    assert str(PermanentError("no image")) == "no image"


def test_every_error_has_the_one_root_and_is_in_the_table() -> None:
    leaves = {
        value
        for value in vars(exceptions).values()
        if isinstance(value, type) and issubclass(value, Exception) and value is not OffloadError
    }

    assert leaves == {type(row[0]) for row in EVERY} | {type(error) for error in FACTLESS}
    assert all(issubclass(leaf, OffloadError) for leaf in leaves)


def test_an_enormous_wrong_value_is_cut_in_the_message() -> None:
    error = exceptions.InvalidTopic(topic="x" * 100_000, problem="it is too long")

    assert len(str(error)) < 600


def test_the_reasons_of_files_are_found_by_their_codes() -> None:
    assert len(FILE_PROBLEMS) == 10
    for code, kind in FILE_PROBLEMS.items():
        found = file_problem(code, name="a.png", problem="it is so")
        assert type(found) is kind
        # The worker ends a job at once exactly where no other attempt makes sense.
        assert isinstance(found, PermanentError) is not found.can_retry


@pytest.mark.parametrize("code", ["", "no_such_code", None, ["too_large"]])
def test_a_reason_of_another_version_may_be_retried(code: object) -> None:
    assert file_problem(code, name="a.png", problem="it is so").can_retry
