"""Checks of the dict ``OFFLOAD``: its keys, their values, and the aliases they name."""

from __future__ import annotations

import math
from dataclasses import asdict
from difflib import get_close_matches
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, get_type_hints

from django.conf import settings as django_settings
from django.core.checks import Error

from offload.conf import SETTING_KEYS, Settings, parse
from offload.core.discovery.properties import name_problem
from offload.core.peers.configuration import EXAMPLE, faults
from offload.core.transfers.choice import TRANSPORTS
from offload.core.validation.bounds import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.core.checks import CheckMessage

SETTING_TYPES = get_type_hints(Settings)

QUEUES_TYPE = SETTING_TYPES["queues"]
PEERS_TYPE = SETTING_TYPES["peers"]
TRANSPORTS_TYPE = SETTING_TYPES["transports"]
WATCH_TYPE = SETTING_TYPES["watch"]

TYPE_EXAMPLES: Mapping[object, str] = MappingProxyType(
    {
        str: 'text, such as "default"',
        int: "a whole number",
        float: "a number of seconds",
        bool: "True or False",
        tuple[str, ...]: 'a list of texts, such as ["gpu"]',
        WATCH_TYPE: 'folders by names, such as {"inbox": "/srv/inbox"}',
        TRANSPORTS_TYPE: (
            'transports by peers, such as {"*": ["inline", "http"]}; '
            f"there are {', '.join(TRANSPORTS)}"
        ),
        PEERS_TYPE: f"other clusters by their names, such as {EXAMPLE}",
        QUEUES_TYPE: 'fields by names, such as QUEUES = {"render": {"topics": ["dam/**"]}}',
    }
)

#: Heartbeats that may be late before an instance counts as gone.
MISSED_BEATS = 3


def check(**_: object) -> list[CheckMessage]:
    """Check everything that ``OFFLOAD`` says."""
    given = getattr(django_settings, "OFFLOAD", {})
    if not isinstance(given, dict):
        hint = 'Write OFFLOAD = {"STORAGE": "default"}, or leave it out.'
        return [Error(f"OFFLOAD is a {type(given).__name__}, not a dict.", hint, id="offload.E001")]
    wrong = [*_unknown(given), *_mistyped(given)]
    if wrong:
        return wrong
    found = parse(given)
    return [
        *_out_of_bounds(given),
        *_impatient(found),
        *_dangling(found),
        *_misnamed(found),
        *_peers(found),
        *_without_client(found),
    ]


def readable() -> Settings | None:
    """Return the settings, or None if `check` finds that ``OFFLOAD`` cannot be read."""
    given = getattr(django_settings, "OFFLOAD", {})
    if not isinstance(given, dict) or [*_unknown(given), *_mistyped(given)]:
        return None
    return parse(given)


def _unknown(given: dict[Any, Any]) -> list[CheckMessage]:
    return [
        Error(f"OFFLOAD has an unknown key {key!r}.", _nearest(key), id="offload.E001")
        for key in given
        if key not in SETTING_KEYS
    ]


def _nearest(key: object) -> str:
    near = get_close_matches(str(key).upper(), SETTING_KEYS, n=1)
    return f'Write "{near[0]}".' if near else f"Remove it. There are: {', '.join(SETTING_KEYS)}."


def _mistyped(given: dict[Any, Any]) -> list[CheckMessage]:
    return [
        Error(
            f'OFFLOAD["{key}"] is {value!r:.100}.',
            f"Write {TYPE_EXAMPLES[SETTING_TYPES[SETTING_KEYS[key]]]}; "
            f'the default is "{key}": {_default(key)!r}.',
            id="offload.E002",
        )
        for key, value in given.items()
        if key in SETTING_KEYS and not _fits(value, SETTING_TYPES[SETTING_KEYS[key]])
    ]


def _default(key: str) -> object:
    return asdict(Settings())[SETTING_KEYS[key]]


def _fits(value: object, wanted: object) -> bool:
    """Tell whether a value has the type; an int is a number, True is not."""
    if isinstance(value, bool):
        return wanted is bool
    if wanted is float:
        return isinstance(value, int | float) and math.isfinite(value)
    if wanted is int:
        return isinstance(value, int)
    if wanted is str:
        return isinstance(value, str)
    if wanted == PEERS_TYPE:
        return isinstance(value, dict)
    if wanted == QUEUES_TYPE:
        return isinstance(value, dict) and all(map(_is_queue, value.items()))
    if wanted == WATCH_TYPE:
        return isinstance(value, dict) and all(map(_is_folder, value.items()))
    if wanted == TRANSPORTS_TYPE:
        return isinstance(value, dict) and all(map(_names_transports, value.items()))
    return isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)


def _names_transports(item: tuple[object, object]) -> bool:
    peer, names = item
    return (
        isinstance(peer, str)
        and isinstance(names, list | tuple)
        and all(one in TRANSPORTS for one in names)
    )


def _is_folder(item: tuple[object, object]) -> bool:
    return all(isinstance(one, str) and one for one in item)


def _is_queue(item: tuple[object, object]) -> bool:
    name, fields = item
    return isinstance(name, str) and isinstance(fields, dict)


def _out_of_bounds(given: dict[str, Any]) -> list[CheckMessage]:
    return [
        Error(
            f'OFFLOAD["{key}"] is {given[key]!r:.100}, not {bound}.',
            f'Write "{key}": {_default(key)!r}, the default, or leave the key out.',
            id="offload.E003",
        )
        for key, bound in SETTINGS.items()
        if key in given and given[key] not in bound
    ]


def _impatient(settings: Settings) -> list[CheckMessage]:
    if settings.timeout >= MISSED_BEATS * settings.heartbeat:
        return []
    return [
        Error(
            f"An instance counts as gone {settings.timeout:g} s after a heartbeat, but sends one "
            f"every {settings.heartbeat:g} s: a slightly late one would cost its jobs.",
            f'Write "HEARTBEAT": {settings.heartbeat:g}, '
            f'"TIMEOUT": {(MISSED_BEATS + 1) * settings.heartbeat:g}.',
            id="offload.E004",
        )
    ]


def _misnamed(settings: Settings) -> list[CheckMessage]:
    problem = name_problem(settings.cluster)
    fact = f'OFFLOAD["CLUSTER"] {problem}.'
    return [Error(fact, 'Write "CLUSTER": "default".', id="offload.E019")] if problem else []


def _peers(settings: Settings) -> list[CheckMessage]:
    return [
        Error(f"{one.setting}: {one.problem}.", one.step, id="offload.E022")
        for one in faults(settings.peers, settings.cluster, settings.peers_off)
    ]


def _without_client(settings: Settings) -> list[CheckMessage]:
    addressed = [
        name for name, one in settings.peers.items() if isinstance(one, dict) and one.get("URL")
    ]
    if not addressed or find_spec("urllib3"):
        return []
    fact = f'OFFLOAD["PEERS"]["{addressed[0]}"]["URL"] needs urllib3, which is not installed.'
    return [Error(fact, "Run: pip install urllib3", id="offload.E024")]


def _dangling(settings: Settings) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if settings.storage not in django_settings.STORAGES:
        found.append(_missing("STORAGE", settings.storage, "STORAGES", id="offload.E005"))
    if settings.shared_storage and settings.shared_storage not in django_settings.STORAGES:
        alias = settings.shared_storage
        found.append(_missing("SHARED_STORAGE", alias, "STORAGES", id="offload.E023"))
    if settings.database not in django_settings.DATABASES:
        found.append(_missing("DATABASE", settings.database, "DATABASES", id="offload.E006"))
    return found


def _missing(key: str, alias: str, setting: str, **how: str) -> CheckMessage:
    known = ", ".join(f'"{name}"' for name in getattr(django_settings, setting))
    return Error(
        f'OFFLOAD["{key}"] is {alias!r}, which {setting} does not have.',
        f'Add {setting}["{alias}"], or write "{key}": one of {known}.',
        **how,
    )
