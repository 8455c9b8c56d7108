"""Listeners get events about the rows of instances."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings as django_settings
from django.db import Error
from django.test import override_settings

from offload.core.placement.topology import Mode
from offload.fleet import leadership, membership
from offload.fleet.snapshots import snapshot
from offload.models import Instance
from offload.operations import submission
from tests.integration.topology.listeners import (
    CHANGED,
    CHANGING,
    INIT,
    PROPERTIES,
    Heard,
    attend,
    lead,
)
from tests.integration.world import HERE, THERE, join
from tests.polling import eventually

pytestmark = pytest.mark.usefixtures("brisk")


def test_a_listener_hears_instances_come_change_and_go() -> None:
    lead(labels=["gpu"], facts={"cpus": 8})
    attend(heard := Heard())
    first = heard.expect(INIT).new
    assert first is not None
    assert [(one.name, one.is_leader) for one in first.instances] == [(HERE, True)]
    assert first.instances[0].properties == {"cpus": 8}
    assert first.instances[0].labels == {"gpu"}

    there = join(THERE)
    event = heard.expect(INIT, CHANGING, CHANGED)
    assert [one.name for one in event.difference.added] == [THERE]
    assert event.old is first

    membership.set_mode(THERE, there, Mode.DRAINING)
    event = heard.expect(INIT, CHANGING, CHANGED, PROPERTIES)
    assert [one.mode for one in event.difference.changed] == [Mode.DRAINING]

    membership.goodbye(THERE, there)
    event = heard.expect(INIT, CHANGING, CHANGED, PROPERTIES, CHANGING, CHANGED)
    assert [one.name for one in event.difference.removed] == [THERE]


def test_a_leader_that_goes_leaves_a_change_that_ends_with_the_next_one() -> None:
    here, there = lead(), join(THERE)
    attend(heard := Heard())
    heard.expect(INIT)

    membership.goodbye(HERE, here)
    heard.expect(INIT, CHANGING)
    assert leadership.acquire(THERE, there)

    event = heard.expect(INIT, CHANGING, CHANGED)
    assert event.new is not None
    assert event.new.leader == event.new.instance(THERE)


def test_what_changes_no_instance_is_no_event() -> None:
    lead()
    attend(heard := Heard())
    heard.expect(INIT)

    submission.submit("dam/web", {})
    Instance.objects.filter(pk=HERE).update(beat=7)
    membership.set_mode(HERE, lead_incarnation(), Mode.DRAINING)

    heard.expect(INIT, PROPERTIES)


def lead_incarnation() -> str:
    """Return the incarnation of the instance here."""
    return str(Instance.objects.get(pk=HERE).incarnation)


def test_an_outage_is_a_change_once_it_lasts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lead()
    attend(heard := Heard())
    heard.expect(INIT)

    def fail(*, fresh: bool) -> object:
        raise Error("the database is away")

    monkeypatch.setattr("offload.topology.watcher.snapshot", fail)
    eventually(lambda: caplog.messages)
    assert heard.kinds == [INIT], "it may be short"
    with override_settings(OFFLOAD={**django_settings.OFFLOAD, "TIMEOUT": 0.3}):
        heard.expect(INIT, CHANGING)
    monkeypatch.setattr("offload.topology.watcher.snapshot", snapshot)

    heard.expect(INIT, CHANGING, CHANGED)
    told = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert [one.getMessage() for one in told] == [
        "listeners hear nothing of the topology: the database is away"
    ]
