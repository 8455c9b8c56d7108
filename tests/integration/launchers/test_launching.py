"""Files are launched once per launcher, path and content, or it is said why not."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import connections
from django.test import override_settings
from django.utils import timezone

from offload.core.exceptions import InvalidPath, MissingFile
from offload.core.states import JobState
from offload.launchers import Launched, launch, preview
from offload.launchers.launcher_changes import SaveLauncher, SwitchLaunchers
from offload.models import ChangeRecord, Launch, Launcher, Payload, PayloadFile, Run
from offload.operations.changes.actors import at_terminal
from tests.arranging import arrange_new
from tests.databases import on_postgresql

if TYPE_CHECKING:
    from pathlib import Path


def launcher(name: str = "pages", **facts: Any) -> Launcher:
    """Store a launcher."""
    row: Launcher = Launcher.objects.create(
        name=name, **{"pattern": "in/**", "workflow": "taken/whole", **facts}
    )
    return row


def test_a_file_starts_a_run_that_says_where_it_came_from(tmp_path: Path) -> None:
    launcher(parameters={"path": "$path"})
    file = tmp_path / "a.txt"
    file.write_text("some text")

    [found] = launch(file, path="in/a.txt", by="ann", user_data=7)

    assert found.started
    run = Run.objects.get()
    assert found.run_id == run.pk
    assert (run.actor, run.reason) == ("ann", "launcher pages")
    assert run.user_data == {
        "launcher": "pages", "path": "in/a.txt", "event": "given", "user_data": 7,
    }  # fmt: skip
    assert run.properties == {"path": "in/a.txt"}
    [stored] = PayloadFile.objects.all()
    assert (stored.name, stored.media_type, stored.size) == ("page", "text/plain", 9)


def test_the_same_content_starts_nothing_twice_and_leaves_no_file(media: Path) -> None:
    launcher()
    [first] = launch(b"same", path="in/a.txt")

    [again] = launch(b"same", path="in/a.txt")
    [planned] = preview(b"same", path="in/a.txt")
    [other] = launch(b"other", path="in/a.txt")
    [elsewhere] = launch(b"same", path="in/b.txt")

    assert [again.run_id, planned.run_id] == [first.run_id, first.run_id]
    assert not again.started
    assert not planned.started
    assert other.started
    assert elsewhere.started
    assert Run.objects.count() == Launch.objects.count() == Payload.objects.count() == 3
    assert sum(one.is_file() for one in media.rglob("*")) == 3


@on_postgresql
def test_of_two_at_a_time_one_starts() -> None:
    launcher()
    barrier = threading.Barrier(4)
    found: list[Launched] = []

    def give() -> None:
        barrier.wait()
        found.extend(launch(b"same", path="in/a.txt"))
        connections.close_all()

    threads = [threading.Thread(target=give) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(one.started for one in found) == [False, False, False, True]
    assert len({one.run_id for one in found}) == 1
    assert Run.objects.count() == 1


def test_a_launcher_that_is_remade_starts_nothing_again() -> None:
    row = launcher()
    launch(b"same", path="in/a.txt")
    row.delete()
    launcher()

    [again] = launch(b"same", path="in/a.txt")

    assert not again.started


def test_outputs_start_nothing_unless_the_launcher_says_so() -> None:
    payload = Payload.objects.create(id="p", storage="offload")
    job = arrange_new(
        id="maker", topic="a/b", lane="a", payload=payload, state=JobState.SUCCEEDED, epoch=1,
        finished_at=timezone.now(),
    )  # fmt: skip
    launcher("plain")
    launcher("all", takes_outputs=True)
    digest = hashlib.sha256(b"made").hexdigest()
    PayloadFile.objects.create(
        payload=payload, job=job, epoch=1, name="x", size=4, media_type="t/p", sha256=digest,
        location="x",
    )  # fmt: skip

    found = {one.launcher: one for one in launch(b"made", path="in/a.bin")}
    planned = {one.launcher: one for one in preview(b"made", path="in/a.bin")}

    assert found["plain"].problem == planned["plain"].problem == "it is an output of job maker"
    assert found["all"].started


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"workflow": "no/such"}, "no/such"),
        ({"parameters": {"width": 5}}, "does not take 'width'"),
        ({"input_name": "other"}, "needs the file 'page'"),
    ],
)
def test_a_launcher_that_is_wrong_says_so_and_stops_no_other(
    facts: dict[str, Any], problem: str
) -> None:
    launcher("bad", **facts)
    launcher("good")

    bad, good = launch(b"text", path="in/a.txt")

    assert bad.failed
    assert problem in bad.problem
    assert good.started
    assert Run.objects.count() == Payload.objects.count() == 1


def test_bad_input_is_refused_with_nothing_started(tmp_path: Path) -> None:
    launcher()

    with pytest.raises(InvalidPath, match="stand for folders"):
        launch(b"x", path="in/../../x")
    with pytest.raises(InvalidPath, match="NoneType"):
        launch(b"x")
    with pytest.raises(MissingFile):
        launch(tmp_path / "none", path="in/none")

    assert not Run.objects.exists()


def test_one_switch_turns_all_off_and_a_setting_too() -> None:
    launcher()
    SwitchLaunchers(off=True, note="moving").apply(at_terminal())
    [off] = launch(b"x", path="in/a")
    [planned] = preview(path="in/a")
    SwitchLaunchers(off=False).apply(at_terminal())
    with override_settings(OFFLOAD={**settings.OFFLOAD, "LAUNCHERS_OFF": True}):
        [unset] = launch(b"x", path="in/a")
    [on] = launch(b"x", path="in/a")

    assert off.problem == planned.problem == "launchers are switched off: moving"
    assert "LAUNCHERS_OFF" in unset.problem
    assert on.started
    assert [one.action for one in ChangeRecord.objects.order_by("id")] == [
        "launchers off", "launchers on",
    ]  # fmt: skip


def test_a_change_is_recorded_and_a_wrong_one_refused() -> None:
    given = {"pattern": "in/*", "workflow": "taken/whole"}
    SaveLauncher(name="pages", fields=given).apply(at_terminal())
    SaveLauncher(name="pages", fields={"enabled": False}).apply(at_terminal())

    for wrong in ({"pattern": "a//b"}, {"workflow": "no/such"}, {"include": ["jpeg"]},
                  {"size_min": 2, "size_max": 1}):  # fmt: skip
        with pytest.raises(ValueError, match="The launcher 'pages' is wrong"):
            SaveLauncher(name="pages", fields=wrong).apply(at_terminal())

    assert not Launcher.objects.get().enabled
    assert ChangeRecord.objects.count() == 2
