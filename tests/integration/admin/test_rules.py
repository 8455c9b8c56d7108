"""Rules and switches in the admin act at once, and say what they do beside."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from offload.admin.rules import RuleAdmin
from offload.core.exceptions import UnknownInstance
from offload.fleet.snapshots import snapshot
from offload.models import Rule, Switch
from offload.operations.changes.rules import RemoveRules
from offload.rules import editing, switching
from tests.integration.admin.pages import ADD_RULE, RULE, RULES, address, errors, told
from tests.integration.world import HERE, TOPIC, bound, join, states, waiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.test import Client


class TestRules:
    """Rules as forms."""

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"pattern": "a//b"}, "'a//b' is not a pattern: a segment is empty. Write 'a/b'"),
            ({"pattern": "a/*/b"}, "a wildcard stands alone as the last segment"),
            ({"target": "render@*"}, "This is a glob: choose the scope glob"),
            ({"target": ""}, "This field is required."),
            ({"until_0": "2020-01-01", "until_1": "00:00"}, "This has passed."),
        ],
    )
    def test_a_mistake_is_explained(
        self, boss: Client, change: dict[str, str], problem: str
    ) -> None:
        assert problem in errors(boss.post(ADD_RULE, {**RULE, **change}))
        assert not Rule.objects.exists()

    def test_the_same_rule_twice_is_refused(self, boss: Client) -> None:
        boss.post(ADD_RULE, RULE)

        assert "This rule exists already." in errors(boss.post(ADD_RULE, RULE))

    def test_a_new_rule_acts_at_once_and_knows_its_maker(self, boss: Client, admin: User) -> None:
        join()
        ids = [job.id for job in bound(2)]

        answer = boss.post(ADD_RULE, RULE)

        assert states(ids) == ["PENDING", "PENDING"]
        assert "2 unstarted jobs were taken back" in told(answer)
        assert Rule.objects.get().created_by == admin

    def test_a_changed_rule_acts_at_once(self, boss: Client) -> None:
        join()
        rule = editing.deny(HERE, "other")
        ids = [job.id for job in bound(2)]

        boss.post(address(rule, "change"), RULE)

        assert states(ids) == ["PENDING", "PENDING"]

    @pytest.mark.parametrize("in_bulk", [True, False])
    def test_a_deleted_rule_acts_at_once(self, boss: Client, in_bulk: bool) -> None:
        join()
        editing.allow(HERE, "other")
        allowing = editing.allow(HERE, TOPIC)
        ids = [job.id for job in bound(2)]
        before = snapshot(fresh=True).version

        if in_bulk:
            data = {"action": "delete_selected", "_selected_action": [allowing.pk], "post": "yes"}
            boss.post(RULES, data)
        else:
            boss.post(address(allowing, "delete"), {"post": "yes"})

        assert states(ids) == ["PENDING", "PENDING"]
        assert snapshot(fresh=True).version > before

    def test_an_allow_replaces_the_deny_of_the_same(self, boss: Client) -> None:
        join()
        editing.deny(HERE, TOPIC)

        answer = boss.post(ADD_RULE, {**RULE, "verb": "allow"})

        assert f"It replaces: deny {TOPIC} on {HERE}." in told(answer)
        assert [rule.verb for rule in Rule.objects.all()] == ["allow"]

    def test_an_allow_for_a_time_lets_the_deny_rest(self, boss: Client) -> None:
        join()
        editing.deny(HERE, TOPIC)
        end = timezone.now() + timedelta(days=1)
        data = {**RULE, "verb": "allow", "until_0": f"{end:%Y-%m-%d}", "until_1": "00:00:00"}

        answer = boss.post(ADD_RULE, data)

        assert "lifted until" in told(answer)
        deny, allow = Rule.objects.order_by("pk")
        assert deny.rests_until == allow.until

        boss.post(address(allow, "delete"), {"post": "yes"})

        assert Rule.objects.get().rests_until is None

    @pytest.mark.parametrize("in_bulk", [True, False])
    def test_who_deletes_the_last_allow_is_told_before_that_it_opens_the_instance(
        self, boss: Client, in_bulk: bool
    ) -> None:
        join()
        deny = editing.deny(HERE, "dam/other")
        last = editing.allow(HERE, TOPIC)

        def asked(rule: Rule) -> str:
            data = {"action": "delete_selected", "_selected_action": [rule.pk]}
            page = boss.post(RULES, data) if in_bulk else boss.get(address(rule, "delete"))
            return page.content.decode()

        assert f"Without its last allow, {HERE} may run everything" in asked(last)
        assert "last allow" not in asked(deny)

    @pytest.mark.parametrize("in_bulk", [True, False])
    def test_a_change_that_is_refused_says_why_on_the_page_it_came_from(
        self, boss: Client, monkeypatch: pytest.MonkeyPatch, in_bulk: bool
    ) -> None:
        rule = editing.deny(HERE, TOPIC)
        # As if another person had removed it between the question and the answer.
        monkeypatch.setattr(RuleAdmin, "removal", lambda *_: [RemoveRules(ids=(0,))])
        data = {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"}

        at = RULES if in_bulk else address(rule, "delete")
        answer = boss.post(at, data)

        assert "There is no rule 0." in told(answer)
        assert answer.headers["Location"] == at
        assert Rule.objects.exists()
        assert not LogEntry.objects.exists()

    def test_what_a_deletion_comes_to_is_told_before(self, boss: Client) -> None:
        join()
        rule = editing.deny(HERE, "dam/**")
        waiting(2)

        page = boss.get(address(rule, "delete")).content.decode()

        assert f"This deletion: {HERE} may run: dam/**, {TOPIC}. 2 waiting jobs of {TOPIC}" in page
        assert "2 jobs that wait are concerned." in page
        assert Rule.objects.exists()

    def test_each_change_is_recorded_once(self, boss: Client) -> None:
        join()
        boss.post(ADD_RULE, {**RULE, "note": "disk"})
        boss.post(address(Rule.objects.get(), "change"), {**RULE, "note": "the disk"})
        boss.post(address(Rule.objects.get(), "change"), {**RULE, "note": "the disk"})
        boss.post(address(Rule.objects.get(), "delete"), {"post": "yes"})

        found = LogEntry.objects.order_by("pk").values_list("object_id", "change_message")
        assert list(found) == [
            (HERE, f"Denied {TOPIC} on {HERE}: disk."),
            (HERE, f"Changed a rule to deny {TOPIC} on {HERE}: the disk."),
            (HERE, f"Cleared the rule deny {TOPIC} on {HERE}."),
        ]

    def test_a_deny_leaves_the_allow(self, boss: Client) -> None:
        join()
        editing.allow(HERE, TOPIC)

        boss.post(ADD_RULE, RULE)

        assert {rule.verb for rule in Rule.objects.all()} == {"allow", "deny"}

    def test_a_name_nobody_has_is_a_warning(self, boss: Client) -> None:
        assert f"No worker named {HERE}" in told(boss.post(ADD_RULE, RULE))
        assert Rule.objects.count() == 1

    def test_an_end_to_come_is_kept(self, boss: Client) -> None:
        end = timezone.now() + timedelta(days=1)
        data = {**RULE, "until_0": f"{end:%Y-%m-%d}", "until_1": f"{end:%H:%M:%S}"}

        boss.post(ADD_RULE, data)

        assert Rule.objects.get().until == end.replace(microsecond=0)


class TestSwitches:
    """Instances that are off, as rows."""

    ADD = reverse("admin:offload_switch_add")

    def test_an_instance_is_switched_off_by_a_row_and_on_by_deleting_it(self, boss: Client) -> None:
        join()
        ids = [job.id for job in bound(2)]

        boss.post(self.ADD, {"instance": HERE, "note": "maintenance"})
        assert LogEntry.objects.get().change_message == f"Switched {HERE} off: maintenance."
        assert states(ids) == ["PENDING", "PENDING"]
        assert [one.is_off for one in snapshot(fresh=True).topology.instances] == [True]

        boss.post(address(Switch.objects.get(), "delete"), {"post": "yes"})
        assert [one.is_off for one in snapshot(fresh=True).topology.instances] == [False]
        assert LogEntry.objects.count() == 2

    def test_an_unknown_instance_is_refused_in_the_words_of_the_command(self, boss: Client) -> None:
        join()

        found = errors(boss.post(self.ADD, {"instance": "render@gpu2", "note": ""}))

        with pytest.raises(UnknownInstance) as refused:
            switching.switch("render@gpu2", off=True)
        assert str(refused.value) in found
        assert f"Did you mean '{HERE}'?" in found

    def test_moments_are_told_by_their_age(self, boss: Client) -> None:
        join()
        switching.switch(HERE, off=True)
        editing.deny(HERE, TOPIC, until=timezone.now() + timedelta(hours=3))

        at = reverse("admin:offload_switch_changelist")
        assert re.search(r"<time [^>]*>\d+ s ago</time>", boss.get(at).content.decode())
        assert re.search(r"<time [^>]*>in 2 h</time>", boss.get(RULES).content.decode())
        assert "in 2 h" in boss.get(RULES, {"o": "-6"}).content.decode()

    def test_the_note_is_edited_and_the_name_is_not(self, boss: Client) -> None:
        join()
        switching.switch(HERE, off=True)

        boss.post(address(Switch.objects.get(), "change"), {"instance": "x", "note": "later"})

        assert [(row.pk, row.note) for row in Switch.objects.all()] == [(HERE, "later")]
