"""Two real sites: one asks the other to change rules, which it does, refuses, or does later."""

from __future__ import annotations

import json
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

import offload
from offload.models import ChangeRecord, Peer, PeerRequest, Rule, Switch
from offload.models.versions import raise_version
from offload.rules import editing
from tests.acceptance.peers.clusters import Pair, pair
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker

    from tests.acceptance.peers.clusters import Cluster

TOPIC = "acc/echo"


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)]
)
def ruled(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Pair]:
    """Return two clusters, of which the second lets the first rule, as the first has heard."""
    folder = tmp_path_factory.mktemp("ruled")
    with (
        django_db_blocker.unblock(),
        pair(folder, database=request.param, may_rule=True) as found,
    ):
        for one in (found.render, found.site):
            with one.visited():
                one.fleet.need("a")
        with found.site.visited():
            eventually(lambda: Peer.objects.filter(lets_rule=True).exists(), what="it may rule")
        yield found


@pytest.fixture(autouse=True)
def _without_rules(ruled: Pair) -> Iterator[None]:
    """Leave no rule to the next test."""
    yield
    for one in (ruled.render, ruled.site):
        with one.visited():
            one.fleet.need("a")
            Rule.objects.all().delete()
            raise_version()


def said(*words: str) -> Any:
    """Return what the command answers to programs at the site that is visited."""
    out = StringIO()
    call_command("offload", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def there(ruled: Pair) -> str:
    return f"{ruled.render.name}/{ruled.render.place.nodename('a')}"


def is_off(name: str) -> bool:
    """Tell whether jobs from the site that is visited cannot run on an instance."""
    return any(one.instance == name and not one.can_run for one in offload.explain(TOPIC).verdicts)


def ends(site: Cluster, number: int) -> dict[str, Any]:
    """Return a request as the command lists it, once it has its end."""

    def ended() -> dict[str, Any] | None:
        [found] = [one for one in said("peers", "requests") if one["number"] == number]
        return None if found["state"] == "requested" else found

    with site.visited():
        return eventually(ended, within=120, what=f"request {number} ends")


def test_a_request_is_applied_recorded_and_confirmed(ruled: Pair) -> None:
    with ruled.site.visited():
        number = said("off", there(ruled), "--note", "a leak")["request"]["number"]
    assert ends(ruled.site, number)["state"] == "applied"
    with ruled.render.visited():
        made = ChangeRecord.objects.filter(action="off").latest("pk")
        assert made.entrance == "peer"
        assert made.actor.endswith(f" of {ruled.site.name}")
        assert Switch.objects.get().note.startswith("a leak (")
    with ruled.site.visited():
        is_confirmed = lambda: said("peers", "requests")[0]["confirmed"]  # noqa: E731
        eventually(is_confirmed, within=120, what="the instance confirms it")
        eventually(partial(is_off, there(ruled)), within=120, what="it is off here too")
        number = said("on", there(ruled))["request"]["number"]
    assert ends(ruled.site, number)["state"] == "applied"
    with ruled.render.visited():
        assert not Switch.objects.exists()


def test_a_rule_there_keeps_jobs_from_here_away(ruled: Pair) -> None:
    with ruled.site.visited():
        # Only the other cluster is left for it.
        own = ruled.site.place.nodename("a")
        editing.deny(own, TOPIC)
        number = said("deny", there(ruled), TOPIC)["request"]["number"]
    assert ends(ruled.site, number)["state"] == "applied"
    with ruled.site.visited():
        job = offload.submit(TOPIC)
        number = said("clear", there(ruled), TOPIC)["request"]["number"]
    assert ends(ruled.site, number)["state"] == "applied"
    with ruled.site.visited():
        assert job.wait(timeout=120).state == "SUCCEEDED"
        assert job.row.instance == there(ruled)


def test_a_request_is_refused_with_the_reason(ruled: Pair) -> None:
    with ruled.site.visited():
        name = f"{ruled.render.name}/nobody@nowhere"
        number = said("off", name)["request"]["number"]
    found = ends(ruled.site, number)
    assert (found["state"], found["reason"]) == (
        "refused",
        "No instance of that name ever was there.",
    )


def test_requests_to_a_site_that_is_down_are_applied_in_order_once_it_is_back(
    ruled: Pair,
) -> None:
    render = ruled.render
    with render.visited():
        render.fleet.drop("a")
    with ruled.site.visited():
        numbers = [
            said(verb, there(ruled), topic)["request"]["number"]
            for verb, topic in (("allow", "acc/a"), ("exclusive", "acc/b"), ("deny", "acc/c"))
        ]
        eventually(lambda: PeerRequest.objects.get(pk=numbers[0]).tries > 1, what="it is sent")
        assert {one["state"] for one in said("peers", "requests", "--open")} == {"requested"}
    with render.visited():
        assert not Rule.objects.exists()
        render.fleet.need("a")
    assert [ends(ruled.site, number)["state"] for number in numbers] == ["applied"] * 3
    with render.visited():
        asked = ChangeRecord.objects.filter(entrance="peer").order_by("-pk")[:3]
        assert [one.action for one in asked] == ["deny", "exclusive", "allow"]
        assert set(Rule.objects.values_list("verb", "pattern")) == {
            ("allow", "acc/b"),
            ("deny", "acc/c"),
        }
