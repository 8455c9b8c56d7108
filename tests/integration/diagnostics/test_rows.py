"""How many rows the tables have, as the doctor says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.utils import timezone

from offload.diagnostics import Level, rows
from offload.models import Job, PeerRequest, SeenMessage
from offload.reading import tables
from tests.integration.world import statements, waiting

if TYPE_CHECKING:
    import pytest


def asked(number: int) -> None:
    """Store requests to another cluster."""
    later = timezone.now() + timedelta(hours=1)
    for key in map(str, range(number)):
        PeerRequest.objects.create(
            peer="render", key=key, instance="a@b", action="off", by="ada", expires_at=later
        )


def test_what_there_is_is_counted_the_most_first() -> None:
    waiting()
    asked(2)
    (found,) = rows.examine_sizes()
    assert found.level is Level.OK
    assert found.fact == "Rows of the tables: requests to other clusters 2, jobs 1."


def test_every_table_of_the_app_is_asked() -> None:
    with statements() as sent:
        tables.sizes()
    text = "".join(sent)
    models = list(apps.get_app_config("offload").get_models())
    assert len(models) > 25
    assert [one for one in models if f'"{one._meta.db_table}"' not in text] == []


def test_what_duties_should_have_deleted_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "COUNTED_MAX", 2)
    asked(2)
    waiting(3)
    assert [one.level for one in rows.examine_sizes()] == [Level.OK]
    for nonce in "abc":
        SeenMessage.objects.create(peer="render", nonce=nonce)
    _, warned = rows.examine_sizes()
    assert warned.level is Level.WARN
    assert warned.fact == "Too many rows: accepted messages more than 2."
    assert Job.objects.count() == 3
    assert warned.next_step
