"""Any URL and any form of the admin gets an answer without a server error, on every database."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.contrib import admin as django_admin
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client, override_settings
from django.urls import reverse

from tests.databases import OneDatabase
from tests.integration.fixtures import _app, alarms, app, broker, changes, media  # noqa: F401
from tests.integration.world import HERE, join, waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import Model

MODELS = list(apps.get_app_config("offload").get_models())
ODD = ("\0", "_00", "9" * 30, "-1")
#: What is asked of all models alike is shared out among them: of each a part, of all together
#: everything. The long tests ask everything of each.
OF_ALL = pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)])
#: Parameters of every list of Django's.
OF_LISTS = ("q", "o", "p", "e", "all", "_popup", "_to_field", "_facets", "_changelist_filters")


@pytest.fixture
def boss(database_alias: str, django_db_setup: None) -> Iterator[Client]:
    """Return the browser of somebody who may do everything, on a site of one database."""
    OneDatabase.alias = database_alias
    with override_settings(DATABASE_ROUTERS=["tests.databases.OneDatabase"]):
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.create_superuser("admin"))
        yield client
        Session.objects.all().delete()
        User.objects.all().delete()


def part_of(asked: Iterable[tuple[Any, ...]], model: type[Model], *, every: bool) -> list[Any]:
    """Return what is asked of a model: a quarter, another one than of the model before."""
    return list(asked) if every else list(asked)[MODELS.index(model) % 4 :: 4]


def faults(answers: dict[Any, int]) -> dict[Any, int]:
    """Return the requests that ended in a server error."""
    return {asked: status for asked, status in answers.items() if status >= 500}


def name_of(model: type[Model], page: str) -> str:
    """Return the name of a page of the admin's."""
    return f"admin:offload_{model._meta.model_name}_{page}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@OF_ALL
def test_lists_answer_whatever_their_parameters_say(
    model: type[Model], boss: Client, every: bool
) -> None:
    address = reverse(name_of(model, "changelist"))
    declared: Any = django_admin.site._registry[model].list_filter
    named = {getattr(one, "parameter_name", one) for one in declared}
    own = sorted({*named, *(f"{name}__exact" for name in named)} - {*OF_LISTS})
    asked = [*product(own, ODD), *part_of(product(OF_LISTS, ODD), model, every=every)]

    answers = {(name, odd): boss.get(address, {name: odd}).status_code for name, odd in asked}

    assert faults(answers) == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@OF_ALL
def test_pages_of_rows_answer_whatever_the_key_is(
    model: type[Model], boss: Client, every: bool
) -> None:
    pages = {
        pattern.name.rpartition("_")[2]: pattern.pattern.converters
        for pattern in django_admin.site._registry[model].get_urls()
        if pattern.name
    }
    queries = ("", "?v=%00&paused=%00&_to_field=%00&_popup=%00&p=%00")
    asked = part_of(product(ODD, (boss.get, boss.post), queries), model, every=every)
    answers = {}
    for page, converters in pages.items():
        for odd, send, query in asked if converters else ():
            arguments = [odd if name != "file_id" else 10**30 for name in converters]
            address = reverse(name_of(model, page), args=arguments) + query
            answers[send.__name__, address] = send(address).status_code

    assert len(answers) > len(ODD)
    assert faults(answers) == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@OF_ALL
def test_actions_answer_whatever_is_selected(model: type[Model], boss: Client, every: bool) -> None:
    join()
    waiting()
    made = django_admin.site._registry[model]
    address = reverse(name_of(model, "changelist"))
    own = [getattr(one, "__name__", one) for one in made.actions or ()]
    usual = part_of(product(("delete_selected", "\0"), ODD), model, every=every)

    answers = {
        (action, odd): boss.post(address, {"action": action, "_selected_action": [odd]}).status_code
        for action, odd in [*product(own, ODD), *usual]
    }

    assert faults(answers) == {}


@pytest.mark.parametrize("verb", ["allow", "deny", "clear", "exclusive"])
@pytest.mark.parametrize("cell", [f"{HERE} \0", "\0 a/b", "\0", "", f"{HERE} " + "a" * 300, HERE])
def test_a_cell_answers_whatever_is_sent(verb: str, cell: str, boss: Client) -> None:
    join()

    answer = boss.post(reverse("admin:offload_instance_desired"), {verb: cell})

    assert answer.status_code in {302, 400}
