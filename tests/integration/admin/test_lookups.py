"""Lists of the admin reveal only what they show, whatever the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.auth.models import User
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from offload.db import database
from offload.models import Instance, Job, Queue
from tests.arranging import arrange
from tests.integration.world import BROKE, join, running, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import Model
    from django.test import Client

MODELS = list(apps.get_app_config("offload").get_models())
#: Those with a list of Django's; instances have a page of their own, whatever is asked of it.
LISTED = [model for model in MODELS if model is not Instance]
LOOKUPS = ("", "__startswith", "__in", "__gt")
JOBS = reverse("admin:offload_job_changelist")
SEALED = {
    "args": "unseen-a",
    "properties": "unseen-p",
    "result": "unseen-r",
    "traceback": "unseen-t",
}


def listed(model: type[Model]) -> str:
    """Return the address of a model's list."""
    return reverse(f"admin:offload_{model._meta.model_name}_changelist")


def paths(model: type[Model], depth: int = 2) -> Iterator[str]:
    """Return all fields of a model by name, and those of what it refers to and is referred by."""
    for field in model._meta.get_fields():
        yield field.name
        related: Any = field.related_model
        if depth > 1 and related is not None:
            yield from (f"{field.name}__{inner}" for inner in paths(related, depth - 1))


def filters(model: type[Model]) -> set[str]:
    """Return the parameters that the filters beside a list stand for."""
    declared: Any = django_admin.site._registry[model].list_filter
    named = {getattr(one, "parameter_name", one) for one in declared}
    return named | {f"{name}__{end}" for name in named for end in ("exact", "isnull")}


def viewers(boss: Client, staff: Callable[..., Client]) -> list[Client]:
    """Return somebody who may do everything, and somebody who may only look."""
    return [boss, staff(*(f"view_{model._meta.model_name}" for model in MODELS))]


@pytest.mark.parametrize("model", LISTED, ids=lambda model: model.__name__)
def test_no_field_is_looked_up_but_by_the_filters_of_its_list(
    model: type[Model], boss: Client, staff: Callable[..., Client]
) -> None:
    address, admitted = listed(model), filters(model)
    asked = {f"{path}{lookup}" for path in paths(model) for lookup in LOOKUPS} - admitted
    assert len(asked) >= len(LOOKUPS)

    assert [one for one in sorted(asked) if not is_refused(model, one)] == []
    # The page says it, to whoever asks.
    for viewer in viewers(boss, staff):
        answers = {one: viewer.get(address, {one: "1"}).status_code for one in sorted(asked)[::40]}
        assert set(answers.values()) == {400}, answers


def is_refused(model: type[Model], lookup: str) -> bool:
    """Return whether a list refuses to be filtered so, for somebody who may do everything."""
    try:
        made_list(model, {lookup: "1"})
    except DisallowedModelAdminLookup:
        return True
    return False


def made_list(model: type[Model], parameters: dict[str, str]) -> Any:
    """Return the list of a model, as its page gets it for these parameters."""
    request = RequestFactory().get(listed(model), parameters)
    request.user = User(is_active=True, is_superuser=True)
    return django_admin.site._registry[model].get_changelist_instance(request)


@pytest.mark.parametrize("model", LISTED, ids=lambda model: model.__name__)
def test_the_filters_of_a_list_are_admitted(model: type[Model], boss: Client) -> None:
    content = boss.get(listed(model)).context["cl"]

    links = [
        choice["query_string"] for spec in content.filter_specs for choice in spec.choices(content)
    ]

    assert bool(links) == bool(django_admin.site._registry[model].list_filter)
    for link in links:
        assert boss.get(listed(model) + link).status_code == 200


def test_a_hand_over_token_cannot_be_found_letter_by_letter(staff: Callable[..., Client]) -> None:
    join()
    run, viewer = running(), staff("view_job")

    for letter in "0123456789abcdef":
        assert viewer.get(JOBS, {"token__startswith": letter}).status_code == 400
    assert run.row.token
    assert run.key.secret not in run.row.token


def test_nothing_sealed_is_found_by_search(staff: Callable[..., Client]) -> None:
    join()
    run, others = running(), waiting(2)
    arrange(Job.objects.filter(pk=run.id), **SEALED)
    viewer = staff("view_job")

    for word in [*SEALED.values(), run.row.token, run.row.token[:5], BROKE.type]:
        shown = viewer.get(JOBS, {"q": word}).context["cl"].result_count
        assert shown == 0, word
    assert viewer.get(JOBS, {"q": others[0]}).context["cl"].result_count == 1


#: Fields that a list shows in words of its own.
SHOWN_OTHERWISE: dict[type[Model], tuple[str, ...]] = {Queue: ("suspended", "is_declared")}


@pytest.mark.parametrize("model", LISTED, ids=lambda model: model.__name__)
def test_a_list_is_sorted_by_what_it_shows_alone(model: type[Model], boss: Client) -> None:
    made: Any = django_admin.site._registry[model]
    shown = {*made.list_display, *SHOWN_OTHERWISE.get(model, ())}

    declared: Any = made.ordering or model._meta.ordering
    usual = {one.lstrip("-") for one in declared}

    numbers = (*range(-12, 13), 60)
    for order in sorted({f"{sign}{number}" for number in numbers for sign in ("", "-")}):
        found: Any = made_list(model, {"o": order}).queryset
        assert {one.lstrip("-") for one in found.query.order_by} - {"pk"} <= shown | usual


@pytest.mark.parametrize("model", LISTED, ids=lambda model: model.__name__)
def test_nothing_is_counted_by_values(model: type[Model], boss: Client) -> None:
    boss.get(listed(model))
    with CaptureQueriesContext(database.connection()) as plainly:
        boss.get(listed(model))

    with CaptureQueriesContext(database.connection()) as with_facets:
        answer = boss.get(listed(model), {"_facets": "True"})

    assert not answer.context["cl"].add_facets
    assert len(with_facets) == len(plainly)


def test_a_field_that_is_not_there_is_refused_too(boss: Client) -> None:
    assert boss.get(JOBS, {"nonsense": "1"}).status_code == 400
