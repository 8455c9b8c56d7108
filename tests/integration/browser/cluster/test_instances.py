"""The pages of instances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils.timezone import localtime

from offload.core.placement.instance_conditions import Trouble
from offload.core.placement.topology import Mode
from offload.fleet import membership, own_facts
from offload.models import Instance, Switch
from offload.rules import editing, switching
from tests.integration.browser.pages import FLEET, text
from tests.integration.world import HERE, TOPIC, announcement, join, running

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client


class TestInstances:
    """The page of instances."""

    def test_it_shows_state_beat_slots_and_topics(self, boss: Client) -> None:
        join(labels=["gpu"])
        running()
        switching.switch(HERE, off=True)

        found = text(boss, FLEET)

        assert f"{HERE} gpu" in found
        off = "⊘ switched off ≠ rules not applied yet"
        assert f"{off} under 3 s ago 1 of 2 slots holds 1 of 4 nothing" in found
        assert "switch on" in found

    def test_a_suspect_is_shown_with_cause_time_and_remedy_here_and_on_its_page(
        self, boss: Client
    ) -> None:
        incarnation = join()
        membership.set_mode(HERE, incarnation, Mode.SUSPECT, trouble=Trouble.MESSAGES)
        own_facts.note_remedy(HERE, incarnation, "2 unstarted jobs were given back.")
        since = localtime(Instance.objects.get(pk=HERE).mode_at)

        for page in (FLEET, reverse("admin:offload_instance_change", args=[quote(HERE)])):
            found = text(boss, page)
            assert "? suspect" in found
            why = f"{HERE} is suspect since {since:%Y-%m-%d %H:%M:%S %Z}: messages that are sent "
            assert f"{why}to it do not arrive. 2 unstarted jobs were given back." in found

    def test_a_drain_is_made_and_watched_on_the_page_of_the_instance(self, boss: Client) -> None:
        join()
        running()
        page = reverse("admin:offload_instance_change", args=[quote(HERE)])
        switch = reverse("admin:offload_instance_switch", args=[quote(HERE)])
        given = {"switch": "drain", "back": "instance", "note": "new disk", "for": "120"}

        boss.post(switch, {**given, "grace": "10"})

        found = text(boss, page)
        assert "◐ draining" in found
        assert "is drained since" in found
        assert "by admin until" in found
        assert "(1 run is left; given back at" in found
        assert "drains: 1 job is left" in text(boss, FLEET)
        boss.post(switch, {"switch": "on", "back": "instance"})
        assert "is drained" not in text(boss, page)

    @pytest.mark.parametrize("minutes", ["soon", "-1", "nan", "1e99"])
    def test_minutes_that_are_none_are_refused(self, boss: Client, minutes: str) -> None:
        join()
        switch = reverse("admin:offload_instance_switch", args=[quote(HERE)])

        boss.post(switch, {"switch": "drain", "back": "instance", "grace": minutes})

        assert not Switch.objects.exists()

    def test_an_instance_without_a_free_process_is_busy(self, boss: Client) -> None:
        join(concurrency=1)
        running()

        assert "► busy" in text(boss, FLEET)

    def test_it_names_what_an_instance_may_run_now(self, boss: Client) -> None:
        consumers = [{"pattern": one, "task": "dam.work"} for one in ("a/b", "c/*", "d")]
        join(consumers=consumers)
        editing.deny(HERE, "a/b")
        editing.deny(HERE, "c/d")

        found = text(boss, FLEET)

        assert "of 4 c/* in part d 2 of the 3 it has consumers for Rule" in found
        assert f"denies a/b on {HERE}. Rule" in found
        assert f"denies c/d on {HERE}. 0 s ago" in found
        assert found.count("a/b") == 1

    def test_those_that_are_gone_are_kept_with_the_reason(self, boss: Client) -> None:
        membership.leave(HERE, join(), reason="its worker died", crash=False)

        assert "○ gone its worker died — 0 of 2 slots" in text(boss, FLEET)

    def test_a_late_beat_is_marked(self, boss: Client) -> None:
        join()
        from_django = Instance.objects.get(pk=HERE)
        Instance.objects.update(beat_at=from_django.beat_at.replace(year=2020))

        assert "⚠ late" in text(boss, FLEET)


def test_the_log_of_an_instance_is_its_history(boss: Client, admin: User) -> None:
    join()
    boss.post(reverse("admin:offload_instance_desired"), {"deny": f"{HERE} {TOPIC}"})

    history = text(boss, reverse("admin:offload_instance_history", args=[HERE]))

    assert f"Denied {TOPIC} on {HERE}." in history
    assert announcement().name == HERE
