"""The frame of the pages: tabs, internals, refusals, instances, sites of one's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.admin.utils import quote
from django.test import override_settings
from django.urls import path, reverse

from offload.fleet import own_facts
from offload.models import (
    ChangeRecord,
    Instance,
    Job,
    Launch,
    Launcher,
    LauncherSwitch,
    Lease,
    Queue,
    Resource,
    Rule,
    Run,
    Slot,
    Switch,
)
from offload.rules import editing
from tests.integration.browser.pages import text
from tests.integration.world import HERE, TOPIC, bound, join, running, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import Model
    from django.test import Client

MODELS = list(apps.get_app_config("offload").get_models())
WORKED_WITH = {
    Instance, Job, Run, Rule, Switch, Queue, Resource, Launcher, LauncherSwitch, Launch,
    ChangeRecord,
}  # fmt: skip
INDEX = reverse("admin:index")
INTERNALS = reverse("admin:offload_lease_internals")
PAGE = reverse("admin:offload_instance_change", args=[quote(HERE)])
NOW = reverse("admin:offload_instance_now", args=[quote(HERE)])
SWITCH = reverse("admin:offload_instance_switch", args=[quote(HERE)])


def listed(model: type[Model], site: str = "admin") -> str:
    """Return the address of a model's list."""
    return reverse(f"admin:offload_{model._meta.model_name}_changelist", current_app=site)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_list_has_the_tabs(model: type[Model], boss: Client) -> None:
    content = boss.get(listed(model)).content.decode()

    [tabs] = re.findall(r'<nav class="ob-nav".*?</nav>', content, re.DOTALL)
    assert tabs.count('aria-current="page"') == 1


@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_every_page_of_a_rule_has_the_tabs(page: str, boss: Client) -> None:
    rule = editing.deny(HERE, TOPIC)

    for address in (
        reverse(f"admin:offload_rule_{page}", args=[rule.pk]),
        reverse("admin:offload_rule_add"),
    ):
        assert 'class="ob-nav"' in boss.get(address).content.decode()

    chosen = {"action": "delete_selected", "_selected_action": [rule.pk]}
    assert 'class="ob-nav"' in boss.post(listed(Rule), chosen).content.decode()


class TestInternals:
    """Rows of the machine, on a page of their own."""

    def test_they_are_on_one_page_and_not_beside_what_people_work_with(self, boss: Client) -> None:
        start, page = text(boss, INDEX), text(boss, INTERNALS)
        inner = [model for model in MODELS if model not in WORKED_WITH]

        assert inner
        for model in inner:
            address = f'href="{listed(model)}"'
            assert address not in boss.get(INDEX).content.decode()
            assert address in boss.get(INTERNALS).content.decode()
        assert "Slot rows" not in start
        assert "Slot rows" in page
        for model in WORKED_WITH:
            assert f'href="{listed(model)}"' in boss.get(INDEX).content.decode()

    def test_each_is_for_those_who_may_see_it(self, staff: Callable[..., Client]) -> None:
        viewer = staff("view_lease")
        content = viewer.get(INTERNALS).content.decode()

        assert f'href="{listed(Lease)}"' in content
        assert f'href="{listed(Slot)}"' not in content
        assert viewer.get(listed(Slot)).status_code == 403
        assert staff("view_job").get(INTERNALS).status_code == 403


class TestRefusals:
    """Pages that somebody may not see."""

    def test_it_leads_to_no_page_that_is_not_there(self, staff: Callable[..., Client]) -> None:
        start = reverse("admin:app_list", args=["offload"])
        for may in ((), ("view_lease",), ("view_job",)):
            viewer = staff(*may)
            refused = viewer.get(listed(Rule)).content.decode()

            is_there = viewer.get(start).status_code == 200
            assert is_there is (may == ("view_job",))
            assert (f'href="{start}"' in refused) is is_there

    def test_a_refusal_is_a_page_of_the_admin_that_names_what_is_missing(
        self, staff: Callable[..., Client]
    ) -> None:
        viewer = staff("view_rule")
        job = waiting()[0]

        for address in (listed(Job), reverse("admin:offload_job_change", args=[job])):
            answer = viewer.get(address)
            assert answer.status_code == 403
            content = answer.content.decode()
            assert "You are signed in, but are not allowed to see this page" in content
            assert 'class="ob-nav"' in content
            assert listed(Rule) in content
        assert "offload.view_job" in content

    def test_htmx_is_refused_in_short(self, staff: Callable[..., Client]) -> None:
        answer = staff("view_rule").get(NOW, headers={"HX-Request": "true"})

        assert answer.status_code == 403
        assert b"ob-nav" not in answer.content


def test_the_first_page_says_what_the_matrix_needs(staff: Callable[..., Client]) -> None:
    start = reverse("admin:app_list", args=["offload"])
    needed = "The matrix needs: <code>offload.view_instance</code>."
    assert needed in staff("view_rule").get(start).content.decode()
    assert needed not in staff("view_instance").get(start).content.decode()


class TestInstance:
    """The page of one instance."""

    def test_it_shows_state_rules_topics_jobs_and_facts(self, boss: Client) -> None:
        join(labels=["gpu"], facts={"python": "3.11.9", "cpus": 8})
        job = running()
        bound()
        editing.deny("gpu", "dam/other", scope="label", note="Broken lens")

        found = text(boss, PAGE)

        assert f"{HERE} Matrix" in found
        assert "Internals History" in found
        assert "● ready gpu" in found
        assert "1 of 2 slots" in found
        assert "dam/** ◐ partly allowed" in found or "dam/** ✓ allowed" in found
        assert "deny dam/other label gpu — Broken lens" in found
        assert f"{TOPIC} ► active" in found
        assert f"{TOPIC} ◐ queued" in found
        assert "cpus 8 python 3.11.9" in found
        assert job.id in boss.get(PAGE).content.decode()

    def test_it_shows_which_property_is_not_renewed_and_why(self, boss: Client) -> None:
        incarnation = join(facts={"gpus": 2})
        failing = {"gpus": "site.gpus: <hangs>", "disk": "site.disk: no device"}
        own_facts.report(HERE, incarnation, load={"providers": failing})

        found = text(boss, PAGE)

        assert "Properties disk ! not renewed: site.disk: no device gpus 2 ! not" in found
        assert "renewed: site.gpus: &lt;hangs&gt;" in boss.get(PAGE).content.decode()

    def test_it_is_switched_there_and_says_why(self, boss: Client) -> None:
        join()

        answer: Any = boss.post(SWITCH, {"switch": "off", "back": "instance"})
        Switch.objects.update(note="Maintenance until noon")

        assert answer.url == PAGE
        assert "⊘ switched off" in text(boss, PAGE)
        Switch.objects.get().save()
        assert "Maintenance until noon" in text(boss, PAGE)

    def test_it_polls_for_its_live_part(self, boss: Client) -> None:
        join()
        known = boss.get(NOW).context["version"]

        assert boss.get(NOW, {"v": known}).status_code == 204
        bound()
        assert boss.get(NOW, {"v": known}).status_code == 200

    def test_jobs_are_for_those_who_may_see_them(self, staff: Callable[..., Client]) -> None:
        join()
        job = running()
        viewer = staff("view_instance")

        content = viewer.get(PAGE).content.decode()

        assert job.id not in content
        assert 'id="switch-' not in content

    def test_one_that_is_not_there_is_not_found(self, boss: Client) -> None:
        assert boss.get(PAGE).status_code == 404
        assert boss.get(NOW).status_code == 404


SUBSETS: list[Sequence[type[Model]]] = [
    *([model] for model in (Job, Instance, Rule, Queue, Switch, Lease)),
    [Job, Rule],
    [Instance, Queue],
]


@pytest.mark.parametrize("subset", SUBSETS, ids=lambda found: "+".join(m.__name__ for m in found))
def test_a_site_of_ones_own_has_any_part_of_it(subset: Sequence[type[Model]], boss: Client) -> None:
    join()
    rule = editing.deny(HERE, TOPIC)
    ids = [waiting()[0], running(topic="dam/else").id]
    site = django_admin.AdminSite(name="ops")
    for model in subset:
        site.register(model, type(django_admin.site._registry[model]))

    with override_settings(ROOT_URLCONF=(path("ops/", site.urls),)):
        pages = [reverse("admin:index", current_app="ops"), *(listed(one, "ops") for one in subset)]
        if subset != [Lease]:
            pages.append(reverse("admin:app_list", args=["offload"], current_app="ops"))
        if Job in subset:
            pages += [reverse("admin:offload_job_change", args=[one]) for one in ids]
        if Instance in subset:
            pages.append(reverse("admin:offload_instance_change", args=[quote(HERE)]))
        if Rule in subset:
            pages.append(reverse("admin:offload_rule_change", args=[rule.pk]))
        for page in pages:
            answer = boss.get(page)
            assert answer.status_code == 200, page
            assert '="/admin/' not in answer.content.decode()
