"""submit, with and without waiting."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.core.attempt_key import AttemptKey
from offload.core.retries import Cause, decide
from offload.fleet.snapshots import snapshot
from offload.models import Job, PayloadFile, Queue
from offload.operations.handles import JobHandle
from offload.tracking import claiming, finishing
from tests.databases import SQLITE
from tests.integration.world import BROKE, HERE, TOPIC, join
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    Said = Callable[..., str]
    Answered = Callable[..., Any]
    Meanwhile = Callable[[Callable[[], object]], AbstractContextManager[None]]

#: The use cases make the queries of these verbs, and their tests cover both databases.
pytestmark = pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)


def claimed() -> AttemptKey:
    """Claim the one job once it is bound, as a worker does."""
    bound = eventually(lambda: Job.objects.filter(state="QUEUED").first(), what="a bound job")
    key = AttemptKey(job_id=bound.pk, epoch=bound.epoch, token="t")
    assert claiming.claim(key) is not None
    return key


def succeed() -> None:
    finishing.succeed(claimed(), {"width": 5}, aftermath=False)


def fail() -> None:
    policy = snapshot().default.retry
    decision = decide(policy, cause=Cause.FAILED, failures=0, crashes=0, final=True)
    finishing.fail(claimed(), decision, BROKE, aftermath=False)


def test_a_job_is_stored_with_its_properties(answered: Answered) -> None:
    facts = answered(
        "submit", TOPIC, "--json-properties", '{"a": 1, "b": 2}',
        "--set", "b=[1, true]", "--set", "c=007", "--set", "d=NaN", "--set", "e=x=y", "--set", "f=",
    )  # fmt: skip
    job = Job.objects.get(pk=facts["id"])
    assert job.properties == {"a": 1, "b": [1, True], "c": "007", "d": "NaN", "e": "x=y", "f": ""}
    assert facts == {"id": job.pk, "topic": TOPIC, "state": "PENDING"}


def test_people_are_told_how_to_look_at_it(said: Said) -> None:
    told = said("submit", TOPIC)
    assert f"manage.py offload job {Job.objects.get().pk}" in told


def test_options_are_kept(answered: Answered) -> None:
    Queue.objects.create(name="slow", topics=["other/**"])
    answered(
        "submit", TOPIC, "--queue", "slow", "--priority", "5", "--delay", "1m", "--expires", "90"
    )
    job = Job.objects.get()
    assert (job.queue, job.priority) == ("slow", 5)
    assert job.run_at is not None
    assert job.expires_at is not None
    assert (job.expires_at - job.run_at).total_seconds() == pytest.approx(30, abs=1)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--delay", "300000000000"), "is too long; write at most"),
        (("--expires", "nan"), "is not a duration; write 90s"),
        (("--priority", "99999"), "is not a whole number from -32,768 to 32,767"),
    ],
)
def test_options_that_cannot_be_stored_are_refused(
    said: Said, options: tuple[str, str], told: str
) -> None:
    with pytest.raises(CommandError, match=told) as refused:
        said("submit", TOPIC, *options)
    assert refused.value.returncode == 1
    assert not Job.objects.exists()


def test_a_file_that_cannot_be_read_is_refused(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "locked.jpg"
    path.write_bytes(b"pixels")

    usual = Path.open

    def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
        if self == path:
            raise PermissionError(13, "Permission denied", str(path))
        return usual(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CommandError, match="cannot be read: Permission denied") as refused:
        said("submit", TOPIC, "--file", f"original={path}")
    assert refused.value.returncode == 1
    assert not Job.objects.exists()


def test_files_go_with_it(said: Said, tmp_path: Path) -> None:
    path = tmp_path / "a=b.txt"
    path.write_bytes(b"hello")
    said("submit", TOPIC, "--file", f"original={path}")
    file = PayloadFile.objects.get()
    assert (file.name, file.size) == ("original", 5)
    with file.open() as stored:
        assert stored.read() == b"hello"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dam//x"], "is not a topic"),
        ([TOPIC, "--set", "width"], "Write: --set key=value"),
        ([TOPIC, "--set", "=1"], "Write: --set key=value"),
        ([TOPIC, "--set", "a=1", "--set", "a=2"], "given twice"),
        ([TOPIC, "--json-properties", "{"], "is not JSON"),
        ([TOPIC, "--json-properties", "[1]"], "is not a JSON object"),
        ([TOPIC, "--file", "original"], "Write: --file key=value"),
        ([TOPIC, "--file", "original=/nowhere/x"], "There is no file '/nowhere/x'"),
        ([TOPIC, "--file", "../x=manage.py"], "cannot name a file"),
        ([TOPIC, "--delay=-1"], "is not a duration"),
        ([TOPIC, "--delay", "soon"], "is not a duration"),
        ([TOPIC, "--queue", "nope"], "There is no queue 'nope'"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_stored(
    said: Said, arguments: list[str], message: str
) -> None:
    with pytest.raises(CommandError, match=message) as caught:
        said("submit", *arguments)
    assert caught.value.returncode == 1
    assert not Job.objects.exists()
    assert not PayloadFile.objects.exists()


def test_waiting_shows_the_result(said: Said, meanwhile: Meanwhile) -> None:
    join()
    with meanwhile(succeed):
        told = said("submit", TOPIC, "--wait", "--timeout", "30")
    assert f"SUCCEEDED on {HERE} after" in told
    assert '"width": 5' in told


def test_waiting_gives_programs_the_whole_job_alone(
    answered: Answered, meanwhile: Meanwhile
) -> None:
    join()
    with meanwhile(succeed):
        facts = answered("submit", TOPIC, "--wait")
    assert (facts["state"], facts["result"], facts["instance"]) == ("SUCCEEDED", {"width": 5}, HERE)


def test_waiting_for_a_job_that_fails_is_exit_code_1(said: Said, meanwhile: Meanwhile) -> None:
    join()
    out = StringIO()
    told = f"ended ERROR: {BROKE.type}: no"
    with meanwhile(fail), pytest.raises(CommandError, match=told) as caught:
        said("submit", TOPIC, "--wait", "--json", to=out)
    assert caught.value.returncode == 1
    assert json.loads(out.getvalue())["error"] == BROKE.message


def test_waiting_in_vain_is_exit_code_2_and_the_job_goes_on(said: Said) -> None:
    with pytest.raises(CommandError, match="is still PENDING after 0 s") as caught:
        said("submit", TOPIC, "--timeout", "0")
    assert caught.value.returncode == 2
    assert JobHandle(Job.objects.get().pk).state == "PENDING"


def test_ctrl_c_while_waiting_is_exit_code_130(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupted)
    with pytest.raises(CommandError) as caught:
        said("submit", TOPIC, "--wait")
    assert caught.value.returncode == 130


def test_a_job_may_have_retries_of_its_own(said: Said, answered: Answered) -> None:
    job_id = answered("submit", TOPIC, "--retries", "forever", "--retry-delay", "1m")["id"]
    assert answered("job", job_id)["own_retries"] == {"retries": -1, "delay": 60.0}
    assert '{"retries": -1, "delay": 60.0}' in said("job", job_id)
    with pytest.raises(CommandError, match="is not a whole number from -1"):
        said("submit", TOPIC, "--retries", "-2")


def test_what_no_known_instance_has_is_said_at_once(said: Said, answered: Answered) -> None:
    join(facts={"ram_gb": 32, "gpus": 1})

    told = said("submit", TOPIC, "--require", "ram_gb>=64", "--require", "gpuss>=1")

    assert f"No known instance has what a job of {TOPIC} requires." in told
    assert "ram_gb is 32, and must be >= 64" in told
    assert "Did you mean 'gpus'?" in told
    assert "No known instance" not in said("submit", TOPIC, "--require", "gpus>=1")
    asked = answered("explain", str(Job.objects.earliest("created_at").pk))["requires"]
    assert asked == {"ram_gb": {">=": 64}, "gpuss": {">=": 1}}


def test_a_preference_is_said_if_no_known_instance_has_the_property(
    said: Said, answered: Answered
) -> None:
    join(facts={"gpus": 1})

    told = said("submit", TOPIC, "--prefer", "gpuss:2", "--prefer", "gpus>=1:0.5")

    assert "No known instance has a property gpuss. Did you mean 'gpus'?" in told
    assert "No known instance" not in said("submit", TOPIC, "--prefer", "gpus>=1:1")
    found = answered("explain", str(Job.objects.earliest("created_at").pk))
    assert found["prefers"] == [[{"gpus": {">=": 1}}, 0.5], [{"gpuss": True}, 2]]
    assert found["instances"][0]["score"] == 0.5
