"""How the size of a table reads, and which tables duties empty."""

from __future__ import annotations

from django.apps import apps

from offload.reading.tables import PASSING, TableSize


def test_a_size_names_the_rows_and_their_number() -> None:
    size = TableSize(name="jobs", rows=12_345, has_more=False, is_overfull=False)
    assert str(size) == "jobs 12,345"


def test_what_is_not_counted_to_its_end_says_so() -> None:
    size = TableSize(name="jobs", rows=200_000, has_more=True, is_overfull=False)
    assert str(size) == "jobs more than 200,000"


def test_tables_that_duties_empty_are_tables_of_the_app() -> None:
    assert set(apps.get_app_config("offload").get_models()) > PASSING
