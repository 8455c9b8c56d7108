from __future__ import annotations

from typing import Any

import pytest

from offload.core.exceptions import ConfigurationError
from offload.core.peers.configuration import ONLY_KEY, faults, read_peers
from offload.core.peers.peer_switches import ALL, PeerSwitch
from offload.core.topics import Pattern

SECRET = "s" * 32
OTHER_SECRET = "o" * 32


def of(peers: object, own_name: str = "site") -> list[tuple[str, str]]:
    return [(one.setting, one.problem) for one in faults(peers, own_name)]


def test_nothing_is_known_without_the_setting() -> None:
    assert not read_peers({}, "default")
    assert of({}, "default") == []


def test_a_peer_has_its_key_and_no_topic_by_default() -> None:
    (peer,) = read_peers({"render": {"KEY": SECRET}}, "site").by_name.values()

    assert [(one.id, one.peer, one.secret) for one in peer.keys] == [
        (ONLY_KEY, "render", SECRET.encode())
    ]
    assert (peer.accepts, peer.sends, peer.may_rule) == ((), (), False)
    assert (bool(peer.broker), peer.url) == (False, "")


def test_every_option_is_read() -> None:
    config = read_peers(
        {
            "render": {
                "KEY": {"new": OTHER_SECRET, "old": SECRET},
                "ACCEPT": ["dam/manifest"],
                "SEND": ["render/**"],
                "SEND_WHOLE": ["dam/**"],
                "OFF": ["move"],
                "MAY_RULE": True,
                "BROKER": "amqp://user:password@broker.example//",
                "BROKER_OPTIONS": {"client_properties": {"hidden": "password"}},
                "BROKER_USE_SSL": {"ca_certs": "ca.pem"},
                "URL": "https://render.example/",
            }
        },
        "site",
    )

    peer = config.by_name["render"]
    assert [one.id for one in config.keys] == ["new", "old"]
    assert (peer.accepts, peer.sends) == (
        (Pattern.parse("dam/manifest"),),
        (Pattern.parse("render/**"),),
    )
    assert peer.sends_whole == (Pattern.parse("dam/**"),)
    assert config.sends.permits("render", "render/still")
    assert not config.accepts.permits("render", "render/still")
    assert (peer.may_rule, peer.url) == (True, "https://render.example")
    assert config.switched_off == {("render", PeerSwitch.MOVE)}
    assert peer.broker.url == "amqp://user:password@broker.example//"
    assert peer.broker.options == {"client_properties": {"hidden": "password"}}
    assert peer.broker.ssl == {"ca_certs": "ca.pem"}
    assert "password" not in repr(config)
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    ("options", "where", "problem"),
    [
        ({}, "['KEY']", "it is missing"),
        ({"KEY": ""}, "['KEY']", "its secret has 0 bytes, 32 are the least"),
        ({"KEY": "s" * 31}, "['KEY']", "its secret has 31 bytes, 32 are the least"),
        ({"KEY": {}}, "['KEY']", "it is neither a secret nor secrets by ids"),
        ({"KEY": [SECRET]}, "['KEY']", "it is neither a secret nor secrets by ids"),
        ({"KEY": {"a b": SECRET}}, "['KEY']", "its id is 1 to 64 letters, digits, '-' and '_'"),
        ({"KEY": {"a": None}}, "['KEY']", "an id or a secret in it is no text"),
        ({"KEY": "\ud800" * 32}, "['KEY']", "it is no valid text"),
        ({"KEY": SECRET, "SEDN": []}, "", "it has no option 'SEDN'"),
        ({"KEY": SECRET, "SEND": "dam/**"}, "['SEND']", "it is not a list of patterns"),
        ({"KEY": SECRET, "SEND_WHOLE": "a"}, "['SEND_WHOLE']", "it is not a list of patterns"),
        ({"KEY": SECRET, "OFF": "send"}, "['OFF']", "it is not a list of switches"),
        ({"KEY": SECRET, "OFF": ["sned"]}, "['OFF']", "there is no switch 'sned'"),
        ({"KEY": SECRET, "MAY_RULE": 1}, "['MAY_RULE']", "it is not True or False"),
        ({"KEY": SECRET, "URL": "render.example"}, "['URL']", "it is not an address"),
        ({"KEY": SECRET, "URL": "ftp://render.example"}, "['URL']", "it is not an address"),
        ({"KEY": SECRET, "URL": "http://[render"}, "['URL']", "it is not an address"),
        (
            {"KEY": SECRET, "BROKER": "redis://b", "BROKER_OPTIONS": {1: 2}},
            "['BROKER_OPTIONS']",
            "it is not a dict with texts as keys",
        ),
        (
            {"KEY": SECRET, "BROKER": "redis://b", "BROKER_USE_SSL": "yes"},
            "['BROKER_USE_SSL']",
            "it is neither True nor a dict",
        ),
        (
            {"KEY": SECRET, "BROKER_OPTIONS": {"a": 1}},
            "['BROKER_OPTIONS']",
            "there is no BROKER, and the one of the Celery app has options of its own",
        ),
        ({"KEY": SECRET, "BROKER": "broker"}, "['BROKER']", "it is not an address"),
        ([], "", "it is not a dict"),
    ],
)
def test_a_mistake_is_named_with_its_place(options: Any, where: str, problem: str) -> None:
    assert of({"render": options}) == [(f"OFFLOAD['PEERS']['render']{where}", problem)]


def test_an_unknown_option_names_the_nearest_one() -> None:
    (fault,) = faults({"render": {"KEY": SECRET, "ACEPT": []}}, "site")
    assert fault.step == "Did you mean 'ACCEPT'?"


def test_an_invalid_pattern_is_named() -> None:
    ((where, problem),) = of({"render": {"KEY": SECRET, "ACCEPT": ["dam/**/x"]}})
    assert where == "OFFLOAD['PEERS']['render']['ACCEPT']"
    assert "'dam/**/x'" in problem


def test_this_cluster_needs_a_name() -> None:
    ((where, _),) = of({"render": {"KEY": SECRET}}, "default")
    assert where == "OFFLOAD['CLUSTER']"


def test_a_peer_has_another_name_than_this_cluster() -> None:
    ((_, problem),) = of({"site": {"KEY": SECRET}})
    assert problem == "it is the name of this cluster itself"


def test_the_name_of_a_peer_can_be_one() -> None:
    ((_, problem),) = of({"ren/der": {"KEY": SECRET}})
    assert "ren/der" in problem


def test_two_peers_do_not_share_a_secret() -> None:
    ((_, problem),) = of({"a": {"KEY": SECRET}, "b": {"KEY": {"x": SECRET, "y": SECRET}}})
    assert problem == "one secret is for a and b, and each could sign for the others"


def test_the_setting_is_a_dict() -> None:
    assert of(["render"]) == [("OFFLOAD['PEERS']", "it is not a dict")]


def test_the_first_mistake_is_raised_at_use() -> None:
    with pytest.raises(ConfigurationError, match="its secret has 5 bytes"):
        read_peers({"render": {"KEY": "short"}}, "site")


def test_no_fault_tells_a_secret_or_a_password() -> None:
    said = {"a": {"KEY": {"k": "hush"}, "BROKER": "hush", "URL": "hush"}}
    assert not any("hush" in text for one in faults(said, "site") for text in one)


def test_switches_of_all_clusters_are_read_and_checked() -> None:
    config = read_peers({"render": {"KEY": SECRET}}, "site", ["send"])

    assert config.switched_off == {(ALL, PeerSwitch.SEND)}
    [fault] = faults({}, "site", ["send", "receive"])
    assert fault[:2] == ("OFFLOAD['PEERS_OFF']", "there is no switch 'receive'")
    assert fault.step == "There are: send, accept, move."
