from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.checks import offload_settings
from offload.conf import SETTING_KEYS

if TYPE_CHECKING:
    from pytest_django import Settings


def found(settings: Settings, **given: Any) -> list[tuple[str | None, str, str | None]]:
    settings.OFFLOAD = given
    return [(one.id, one.msg, one.hint) for one in offload_settings.check()]


def test_the_defaults_have_no_problem(settings: Settings) -> None:
    assert found(settings) == []


def test_every_key_may_be_given_its_default(settings: Settings) -> None:
    given = {key: offload_settings._default(key) for key in SETTING_KEYS}
    assert found(settings, **given) == []


def test_e001_names_the_nearest_key(settings: Settings) -> None:
    ((id_, message, hint),) = found(settings, HARTBEAT=3)
    assert id_ == "offload.E001"
    assert "'HARTBEAT'" in message
    assert hint == 'Write "HEARTBEAT".'


def test_e001_finds_a_key_in_lower_case(settings: Settings) -> None:
    ((id_, _, hint),) = found(settings, storage="default")
    assert (id_, hint) == ("offload.E001", 'Write "STORAGE".')


def test_e001_lists_the_keys_where_none_is_near(settings: Settings) -> None:
    ((id_, _, hint),) = found(settings, X=1)
    assert id_ == "offload.E001"
    assert hint is not None
    assert "HEARTBEAT" in hint


def test_e001_wants_a_dict(settings: Settings) -> None:
    settings.OFFLOAD = [("STORAGE", "default")]
    assert [one.id for one in offload_settings.check()] == ["offload.E001"]
    assert offload_settings.readable() is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("HEARTBEAT", "3"),
        ("HEARTBEAT", True),
        ("HEARTBEAT", float("nan")),
        ("RETRIES", 2.5),
        ("CLUSTER", None),
        ("KEEP_CONNECTIONS", "yes"),
        ("LABELS", "gpu"),
        ("LABELS", ["gpu", 1]),
        ("TRANSPORTS", ["http"]),
        ("TRANSPORTS", {"paris": "http"}),
        ("TRANSPORTS", {"paris": ["http", "ftp"]}),
        ("TRANSPORTS", {1: ["http"]}),
    ],
)
def test_e002_names_a_value_of_the_wrong_type(settings: Settings, key: str, value: object) -> None:
    ((id_, message, hint),) = found(settings, **{key: value})
    assert id_ == "offload.E002"
    assert key in message
    assert hint is not None
    assert f'the default is "{key}"' in hint
    assert offload_settings.readable() is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("SWEEP", 0),
        ("RETRIES", -2),
        ("CRASHES", 0),
        ("WINDOW_FACTOR", 0.5),
        ("WINDOW_FACTOR", 1e300),
        ("RETRY_DELAY", 1e300),
        ("MAX_RESULT", 10**30),
        ("TIMEOUT", 1e9),
        ("MAX_FILES", -1),
        ("MAX_FILE", 2**63),
    ],
)
def test_e003_names_a_value_out_of_bounds(settings: Settings, key: str, value: float) -> None:
    ((id_, message, _),) = found(settings, **{key: value})
    assert id_ == "offload.E003"
    assert key in message


def test_e004_wants_three_beats_before_an_instance_is_gone(settings: Settings) -> None:
    ((id_, _, hint),) = found(settings, HEARTBEAT=3, TIMEOUT=8.9)
    assert (id_, hint) == ("offload.E004", 'Write "HEARTBEAT": 3, "TIMEOUT": 12.')
    assert found(settings, HEARTBEAT=3, TIMEOUT=9) == []


def test_e005_names_a_storage_that_is_not_there(settings: Settings) -> None:
    ((id_, message, hint),) = found(settings, STORAGE="s3")
    assert id_ == "offload.E005"
    assert "'s3'" in message
    assert hint is not None
    assert '"default"' in hint


def test_e006_names_a_database_that_is_not_there(settings: Settings) -> None:
    ((id_, message, _),) = found(settings, DATABASE="jobs")
    assert id_ == "offload.E006"
    assert "'jobs'" in message


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "has the name ''"),
        ("studio/north", "not made of letters, digits, '.', '_' and '-'"),
        ("s" * 65, "has a name of 65 characters, and 64 are allowed"),
    ],
)
def test_e019_wants_a_name_of_the_cluster_that_rows_and_names_can_hold(
    settings: Settings, name: str, told: str
) -> None:
    ((id_, message, hint),) = found(settings, CLUSTER=name)
    assert (id_, hint) == ("offload.E019", 'Write "CLUSTER": "default".')
    assert message.startswith('OFFLOAD["CLUSTER"] ')
    assert told in message
    assert found(settings, CLUSTER="s" * 64) == []


def test_e022_names_the_mistake_of_a_peer(settings: Settings) -> None:
    ((id_, message, hint),) = found(
        settings, CLUSTER="site", PEERS={"render": {"KEY": "k" * 32, "SEN": []}}
    )
    assert id_ == "offload.E022"
    assert message == "OFFLOAD['PEERS']['render']: it has no option 'SEN'."
    assert hint == "Did you mean 'SEND'?"


def test_e024_names_the_library_that_an_address_of_a_peer_needs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers = {"render": {"KEY": "k" * 32, "URL": "https://render.example/offload"}}
    assert found(settings, CLUSTER="site", PEERS=peers) == []

    monkeypatch.setattr(offload_settings, "find_spec", lambda _: None)
    ((id_, message, hint),) = found(settings, CLUSTER="site", PEERS=peers)
    assert (id_, hint) == ("offload.E024", "Run: pip install urllib3")
    assert 'OFFLOAD["PEERS"]["render"]["URL"]' in message
    assert found(settings, CLUSTER="site", PEERS={"render": {"KEY": "k" * 32}}) == []


def test_e022_wants_the_cluster_named(settings: Settings) -> None:
    ((id_, message, _),) = found(settings, PEERS={"render": {"KEY": "k" * 32}})
    assert id_ == "offload.E022"
    assert "OFFLOAD['CLUSTER']" in message
