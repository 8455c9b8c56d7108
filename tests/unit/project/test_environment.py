from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from project.environment import database, required


def test_a_postgresql_url_becomes_djangos_settings() -> None:
    settings = database("postgresql://some%40one:s%3Ecret@db.example:6432/the%20site")

    assert settings["ENGINE"] == "django.db.backends.postgresql"
    assert (settings["USER"], settings["PASSWORD"]) == ("some@one", "s>cret")
    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == (
        "db.example",
        6432,
        "the site",
    )


def test_what_a_url_leaves_out_is_left_to_the_driver() -> None:
    settings = database("postgres:///site")

    assert (settings["USER"], settings["HOST"], settings["PORT"]) == ("", "", "")
    assert settings["NAME"] == "site"


def test_sqlite_writes_ahead_and_waits_for_its_turn() -> None:
    settings = database("sqlite:////var/lib/site.sqlite3")

    assert settings["NAME"] == "/var/lib/site.sqlite3"
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert settings["OPTIONS"]["timeout"] >= 20
    assert "journal_mode=WAL" in settings["OPTIONS"]["init_command"]


def test_another_kind_of_database_is_refused_with_those_there_are() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"'oracle'; use one of postgres"):
        database("oracle://somewhere/site")


def test_a_variable_that_must_be_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", "")
    with pytest.raises(ImproperlyConfigured, match="THE_KEY"):
        required("THE_KEY")

    monkeypatch.setenv("THE_KEY", "value")
    assert required("THE_KEY") == "value"
