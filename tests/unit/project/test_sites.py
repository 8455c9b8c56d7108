from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from offload.core.topics import RUN_TOPIC, Pattern
from project import sites


def test_a_process_belongs_to_the_author_unless_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OFFLOAD_SITE", raising=False)
    assert sites.here() == "author"

    monkeypatch.setenv("OFFLOAD_SITE", "render")
    assert sites.here() == "render"


def test_an_unknown_site_is_refused_with_those_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_SITE", "rendre")

    with pytest.raises(ImproperlyConfigured, match="'rendre'; there are the sites author and ren"):
        sites.here()


def test_the_other_site_never_takes_the_authors_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_DATABASE", "postgresql:///author")

    assert sites.own_variable("OFFLOAD_DATABASE", "author") == "postgresql:///author"
    assert sites.own_variable("OFFLOAD_DATABASE", "render") == ""
    monkeypatch.setenv("OFFLOAD_DATABASE_RENDER", "postgresql:///render")
    assert sites.own_variable("OFFLOAD_DATABASE", "render") == "postgresql:///render"


def test_what_one_site_sends_the_other_accepts_by_http_alone() -> None:
    author, render = (
        sites.link(name, key="k" * 32, address="http://127.0.0.1:8000") for name in sites.WORKERS
    )

    assert author["PEERS"]["render"]["SEND_WHOLE"] == render["PEERS"]["author"]["ACCEPT"]
    assert author["PEERS"]["render"]["KEY"] == render["PEERS"]["author"]["KEY"]
    assert render["PEERS"]["author"]["URL"] == "http://127.0.0.1:8000/offload"
    assert author["TRANSPORTS"] == render["TRANSPORTS"] == {"*": ["http"]}


def test_what_the_author_does_itself_travels_with_whole_runs_alone() -> None:
    def travels(topic: str, pattern: str = sites.RENDITIONS) -> bool:
        return Pattern.parse(pattern).matches(topic)

    own, other = (
        {topic for topics in workers.values() for topic in topics}
        for workers in sites.WORKERS.values()
    )
    assert all(map(travels, other - own - {RUN_TOPIC}))
    assert not any(map(travels, own))
    assert own < other
    assert all(travels(topic, sites.OF_WHOLE_RUNS) for topic in own | other - {RUN_TOPIC})
