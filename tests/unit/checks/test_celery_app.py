from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery
from django.db.models.signals import post_save
from django_celery_results.models import TaskResult

from offload.checks import celery_app
from offload.messaging import installation

if TYPE_CHECKING:
    from django.core.checks import CheckMessage
    from pytest_django import Settings

CURRENT = {"result_backend": "django-db", "CELERY_DB_REUSE_MAX": 1000}


def ids(**conf: Any) -> list[str | None]:
    """Return the ids of what is found in an installed app that is configured like this."""
    return [one.id for one in found_in(**conf)]


def found_in(**conf: Any) -> list[CheckMessage]:
    """Return the findings about an installed app with this configuration."""
    app = Celery("checked", set_as_current=False)
    app.conf.update({**CURRENT, **conf})
    with installation.instead(app, module="checked"):
        return list(celery_app.check())


def test_good_settings_have_no_problem() -> None:
    assert ids() == []


def test_e010_wants_a_message_with_headers() -> None:
    assert ids(task_protocol=1) == ["offload.E010"]


def test_e011_wants_the_tables_of_the_result_backend(settings: Settings) -> None:
    installed = settings.INSTALLED_APPS
    settings.INSTALLED_APPS = [app for app in installed if app != "django_celery_results"]
    assert ids() == ["offload.E011"]
    assert ids(result_backend="redis://") == []


@pytest.mark.parametrize("name", ["celery", "kombu"])
@pytest.mark.parametrize("old", ["5.6.3", "4.10rc1"])
def test_e012_wants_versions_that_consume_their_own_queues_only(
    monkeypatch: pytest.MonkeyPatch, name: str, old: str
) -> None:
    installed = {"celery": "5.10.0", "kombu": "5.10.0", name: old}
    monkeypatch.setattr(celery_app, "versions", lambda: installed)
    assert ids() == ["offload.E012"]


def test_w004_says_what_rpc_cannot_do() -> None:
    (found,) = found_in(result_backend="rpc://")
    assert found.id == "offload.W004"
    assert "only the process that submitted a job" in found.msg


def test_w011_says_who_hears_nothing_of_a_jobs_result(settings: Settings) -> None:
    def listen(**_: object) -> None:
        """Hear of every result that is saved."""

    post_save.connect(listen, sender=TaskResult)
    try:
        assert ids() == ["offload.W011"]
        assert ids(result_backend="redis://") == []
        settings.OFFLOAD = {**settings.OFFLOAD, "RESULTS_IN_TRANSACTION": False}
        assert ids() == []
    finally:
        post_save.disconnect(listen, sender=TaskResult)


def test_w005_says_that_eager_calls_are_no_jobs() -> None:
    assert ids(task_always_eager=True) == ["offload.W005"]


def test_w006_says_that_connections_are_closed() -> None:
    assert ids(CELERY_DB_REUSE_MAX=None) == ["offload.W006"]


def test_w007_says_how_to_install_an_app() -> None:
    with installation.instead(None):
        (found,) = celery_app.check()
    assert found.id == "offload.E014"
    assert "offload.install(app)" in str(found.hint)


def test_w007_says_why_the_named_app_cannot_be_imported(settings: Settings) -> None:
    settings.OFFLOAD = {"CELERY_APP": "nowhere.celery"}
    with installation.instead(None):
        (found,) = celery_app.check()
    assert found.id == "offload.E014"
    assert "nowhere" in found.msg


def test_the_app_is_not_looked_at_while_the_settings_are_wrong(settings: Settings) -> None:
    settings.OFFLOAD = {"NONSENSE": 1}
    assert ids(task_protocol=1) == []
