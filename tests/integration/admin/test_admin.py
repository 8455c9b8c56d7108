"""The admin: machine-made rows are looked at, and never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.urls import reverse
from django.utils import timezone

from offload.core.peers.peer_switches import PeerSwitch
from offload.core.peers.refusal import RefusalKind
from offload.core.placement.topology import RuleVerb
from offload.models import (
    AnsweredRequest,
    Attempt,
    AttemptLog,
    ChangeRecord,
    ClosedBinding,
    Delivery,
    Dependency,
    DyingFile,
    Exclusion,
    FileTransfer,
    Instance,
    Job,
    Join,
    KeptFile,
    Launch,
    Launcher,
    LauncherSwitch,
    Lease,
    LinkSwitch,
    News,
    Payload,
    PayloadFile,
    Peer,
    PeerRefusal,
    PeerRequest,
    PlacementRecord,
    Queue,
    RateBucket,
    Reservation,
    Resource,
    ResourceUser,
    Rule,
    Run,
    SeenMessage,
    Slot,
    StepWait,
    Switch,
    WithdrawnBinding,
)
from offload.models.change_records import Entrance
from offload.operations.changes.actors import Actor, at_terminal
from offload.operations.changes.rules import WriteRules
from offload.operations.changes.switches import SwitchOff
from tests.integration.admin.pages import ADD_QUEUE, ADD_RULE, QUEUE, RULE, RULES, address, press
from tests.integration.world import HERE, TOPIC, join, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User
    from django.db.models import Model
    from django.test import Client


EDITED = {Rule, Switch, Queue, Resource, Launcher, LauncherSwitch}
MODELS = list(apps.get_app_config("offload").get_models())
MACHINE_MADE = [model for model in MODELS if model not in EDITED]

ANNA = Actor(name="anna@desk", entrance=Entrance.TERMINAL)


@pytest.fixture
def one_of_each() -> dict[type[Model], Model]:
    """Return a row of every model that the machine makes."""
    join()
    job = Job.objects.get(pk=waiting()[0])
    payload = Payload.objects.create(id="payload", storage="offload")
    canvas: dict[str, Any] = {"body": {"task": "dam.after"}, "tree": []}
    whole = Join.objects.create(id="join", **canvas)
    Slot.objects.get_or_create(instance=HERE)
    Reservation.objects.create(instance=HERE, lane="mail|slots=2|a", places=2)
    RateBucket.objects.create(queue="mail", level=1.0, at=timezone.now())
    ResourceUser.objects.create(resource="maya", job_id=job.pk, epoch=1, amount=1)
    lines: Any = [[0, "INFO", "a"]]
    AttemptLog.objects.create(job=job, epoch=1, count=1, lines=lines)
    Attempt.objects.create(job=job, epoch=1, instance=HERE, incarnation="i", cause="failed")
    PlacementRecord.objects.create(job=job, epoch=1, instance=HERE, text="It consumes a by b.")
    Dependency.objects.create(join=whole, needs=job.pk)
    Exclusion.objects.create(job=job, incarnation="i", reason="no", until=timezone.now())
    Lease.objects.create(
        name="leader", holder=HERE, incarnation="i", term=1, expires_at=timezone.now()
    )
    PayloadFile.objects.create(
        payload=payload, name="a", size=1, media_type="a/b", sha256="0" * 64, location="a"
    )
    DyingFile.objects.create(storage="offload", location="a")
    KeptFile.objects.create(storage="offload", location="a", peer="render", size=1)
    target: Any = {"storage": "offload", "folder": "b"}
    Delivery.objects.create(job=job, number=0, name="a", target=target)
    FileTransfer.objects.create(job=job, peer="render", epoch=1, name="a", size=1)
    run = Run.objects.create(id="run", workflow="dam/update")
    StepWait.objects.create(run=run, step="ask", kind="approval", about="May it?")
    Launch.objects.create(launcher="in", path="in/a", path_key="k", sha256="s")
    Peer.objects.create(name="render", own_name="site")
    PeerRefusal.objects.create(peer="render", kind=RefusalKind.OLD, count=1)
    SeenMessage.objects.create(peer="render", nonce="0" * 32)
    bound: Any = {"job_id": job.pk, "epoch": 1}
    WithdrawnBinding.objects.create(peer="render", stops_runs=True, is_forced=False, **bound)
    ClosedBinding.objects.create(home="render", **bound)
    News.objects.create(home="render", **bound)
    ChangeRecord.objects.create(
        actor="root@gpu1", entrance="terminal", action="off", kind="instance", subject=HERE
    )
    asked: Any = {"action": "off", "by": "anna", "expires_at": timezone.now()}
    PeerRequest.objects.create(peer="render", key="0" * 32, instance="render/a", **asked)
    AnsweredRequest.objects.create(home="render", number=1)
    LinkSwitch.objects.create(peer="render", switch=PeerSwitch.SEND, is_on=False)
    return {model: model._default_manager.all()[0] for model in MACHINE_MADE}


def test_every_model_is_in_the_admin() -> None:
    assert {model for model in MODELS if django_admin.site.is_registered(model)} == set(MODELS)


@pytest.mark.parametrize("model", MACHINE_MADE, ids=lambda model: model.__name__)
def test_machine_made_rows_are_looked_at_and_never_edited(
    model: type[Model], one_of_each: dict[type[Model], Model], boss: Client
) -> None:
    row, name = one_of_each[model], model._meta.model_name
    listed = reverse(f"admin:offload_{name}_changelist")

    assert boss.get(listed).status_code == 200
    assert boss.get(address(row, "change")).status_code == 200
    assert boss.get(address(row, "history")).status_code == 200
    assert boss.post(address(row, "change"), {"x": "1"}).status_code in {403, 405}
    assert boss.get(reverse(f"admin:offload_{name}_add")).status_code == 403
    assert boss.post(address(row, "delete"), {"post": "yes"}).status_code == 403
    press(boss, listed, "delete_selected", row)
    assert model._default_manager.filter(pk=row.pk).exists()


class TestRecords:
    """What people changed, in the admin and from terminals."""

    LIST = reverse("admin:offload_changerecord_changelist")

    def test_terminals_and_users_stand_on_one_page(self, boss: Client, admin: User) -> None:
        join()
        SwitchOff(instance=HERE, note="<b>disk</b>").apply(at_terminal())
        boss.post(ADD_RULE, RULE)

        page: Any = boss.get(self.LIST)

        assert [one.text for one in page.context["cl"].result_list] == [
            f"Denied {TOPIC} on {HERE}.",
            f"Switched {HERE} off: <b>disk</b>.",
        ]
        content = page.content.decode()
        assert at_terminal().name in content
        assert "&lt;b&gt;disk" in content
        only: Any = boss.get(self.LIST, {"entrance__exact": "admin"})
        assert [one.actor for one in only.context["cl"].result_list] == [admin.username]
        assert not boss.get(self.LIST, {"q": "nobody@nowhere"}).context["cl"].result_list

    def test_the_history_of_an_instance_a_rule_and_a_switch_has_both(self, boss: Client) -> None:
        join()
        SwitchOff(instance=HERE).apply(at_terminal())
        boss.post(ADD_RULE, RULE)
        boss.post(ADD_QUEUE, QUEUE)

        for row in (Instance.objects.get(), Rule.objects.get(), Switch.objects.get()):
            content = boss.get(address(row, "history")).content.decode()
            assert f"<td>Switched {HERE} off.</td>" in content
            assert f"<td>{at_terminal().name}</td>" in content
            assert f"<td>Denied {TOPIC} on {HERE}.</td>" in content
            assert "Made queue" not in content
        of_queue = boss.get(address(Queue.objects.get(), "history")).content.decode()
        assert "Made queue narrow for dam/**" in of_queue
        assert HERE not in of_queue

    def test_a_history_without_changes_says_so_and_a_long_one_has_pages(self, boss: Client) -> None:
        join()
        history = address(Instance.objects.get(), "history")
        assert "Nobody has changed anything here yet." in boss.get(history).content.decode()

        for number in range(101):
            WriteRules(verb=RuleVerb.DENY, target=HERE, patterns=(f"a/{number}",)).apply(ANNA)

        assert "Denied a/0 on" not in boss.get(history).content.decode()
        assert "Denied a/0 on" in boss.get(history, {"p": "2"}).content.decode()

    def test_who_may_not_see_changes_is_not_led_to_them(self, staff: Callable[..., Client]) -> None:
        assert staff("view_rule").get(self.LIST).status_code == 403
        assert self.LIST not in staff("view_rule", "view_job").get(RULES).content.decode()
        assert self.LIST in staff("view_rule", "view_changerecord").get(RULES).content.decode()
