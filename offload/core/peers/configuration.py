"""The setting ``PEERS``: the clusters that are known here, as frozen values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from offload.core.discovery.properties import name_problem
from offload.core.exceptions import ConfigurationError, InvalidPattern
from offload.core.nearness import did_you_mean
from offload.core.peers.link_broker import LinkBroker
from offload.core.peers.option_faults import PeerFault, faults_of_broker, faults_of_switches
from offload.core.peers.peer_switches import ALL, PeerSwitch
from offload.core.peers.permissions import PeerPatterns
from offload.core.peers.signing import PeerKey
from offload.core.topics import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from offload.core.peers.peer_switches import Which

#: The name of a cluster that has not named itself.
UNNAMED = "default"
#: The id of a key that is given without one.
ONLY_KEY = "key"
#: The options of one peer.
OPTIONS = (
    "KEY", "ACCEPT", "SEND", "SEND_WHOLE", "OFF", "MAY_RULE", "BROKER", "BROKER_OPTIONS",
    "BROKER_USE_SSL", "URL",
)  # fmt: skip
EXAMPLE = '"PEERS": {"render": {"KEY": env["RENDER_KEY"], "SEND": ["render/**"]}}'
KEY_STEP = 'Make one: python -c "import secrets; print(secrets.token_urlsafe(48))"'


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerConfig:
    """One other cluster, as the settings know it."""

    name: str
    #: All are accepted, the first one signs.
    keys: tuple[PeerKey, ...]
    #: The topics that it may send here, and those that may be sent to it.
    accepts: tuple[Pattern, ...] = ()
    sends: tuple[Pattern, ...] = ()
    #: The topics that go there with a whole run, and not by themselves.
    sends_whole: tuple[Pattern, ...] = ()
    #: The switches that are off unless somebody sets them.
    off: frozenset[PeerSwitch] = frozenset()
    #: Whether it may change rules and switches here.
    may_rule: bool = False
    #: The broker that both use; the own one if it is false.
    broker: LinkBroker = field(default_factory=LinkBroker)
    #: Where its site is reached, for files.
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeersConfig:
    """All other clusters that are known here; without any, nothing is asked of anybody."""

    own_name: str = UNNAMED
    by_name: Mapping[str, PeerConfig] = field(default_factory=dict, hash=False)
    #: The switches of all of them that are off unless somebody sets them.
    off: frozenset[PeerSwitch] = frozenset()

    def __bool__(self) -> bool:
        """Tell whether any other cluster is known."""
        return bool(self.by_name)

    @property
    def keys(self) -> tuple[PeerKey, ...]:
        """Return the keys that messages may be signed with."""
        return tuple(chain.from_iterable(one.keys for one in self.by_name.values()))

    @property
    def accepts(self) -> PeerPatterns:
        """Return the topics that each peer may send here."""
        return PeerPatterns({name: one.accepts for name, one in self.by_name.items()})

    @property
    def sends(self) -> PeerPatterns:
        """Return the topics that may be sent to each peer."""
        return PeerPatterns({name: one.sends for name, one in self.by_name.items()})

    @property
    def rulers(self) -> frozenset[str]:
        """Return the peers that may change rules and switches here."""
        return frozenset(name for name, one in self.by_name.items() if one.may_rule)

    @property
    def switched_off(self) -> frozenset[Which]:
        """Return all switches that are off unless somebody sets them."""
        each = {(name, switch) for name, one in self.by_name.items() for switch in one.off}
        return frozenset(each | {(ALL, switch) for switch in self.off})


def read_peers(
    configured: Mapping[str, Mapping[str, Any]], own_name: str, off: Iterable[str] = ()
) -> PeersConfig:
    """Return the known peers; raise ConfigurationError for the first mistake.

    ``off`` are the switches of all of them that are off.
    """
    for fault in faults(configured, own_name, off):
        raise ConfigurationError(setting=fault.setting, problem=fault.problem)
    by_name = {name: _peer(name, options) for name, options in configured.items()}
    return PeersConfig(
        own_name=own_name,
        by_name=MappingProxyType(by_name),
        off=frozenset(map(PeerSwitch, off)),
    )


def faults(configured: object, own_name: str, off: object = ()) -> Iterator[PeerFault]:
    """Yield every mistake of the setting, and of the switches that are off for all."""
    yield from faults_of_switches("OFFLOAD['PEERS_OFF']", off)
    if not isinstance(configured, Mapping):
        yield PeerFault("OFFLOAD['PEERS']", "it is not a dict", f"Write {EXAMPLE}.")
        return
    if configured and own_name == UNNAMED:
        problem = "it is not set, so peers cannot tell this cluster from another one"
        yield PeerFault("OFFLOAD['CLUSTER']", problem, 'Name it: "CLUSTER": "site".')
    for name, options in configured.items():
        yield from _faults_of_name(name, own_name)
        yield from _faults_of_options(_where(name), name, options)
    yield from _shared_secrets(configured)


def _faults_of_name(name: object, own_name: str) -> Iterator[PeerFault]:
    if problem := name_problem(name):
        yield PeerFault(_where(name), problem, "Write the peer's own CLUSTER.")
    if name == own_name:
        problem = "it is the name of this cluster itself"
        yield PeerFault(_where(name), problem, "Remove it, or name one of the two otherwise.")


def _faults_of_options(where: str, name: object, options: object) -> Iterator[PeerFault]:
    if not isinstance(options, Mapping):
        yield PeerFault(where, "it is not a dict", f"Write {EXAMPLE}.")
        return
    for option in options:
        if option not in OPTIONS:
            near = did_you_mean(str(option), OPTIONS) or f" There are: {', '.join(OPTIONS)}."
            yield PeerFault(where, f"it has no option {option!r:.80}", near.strip())
    yield from _faults_of_keys(where, str(name), options.get("KEY"))
    for option in ("ACCEPT", "SEND", "SEND_WHOLE"):
        yield from _faults_of_patterns(f"{where}[{option!r}]", options.get(option, ()))
    yield from faults_of_switches(f"{where}['OFF']", options.get("OFF", ()))
    if not isinstance(options.get("MAY_RULE", False), bool):
        yield PeerFault(f"{where}['MAY_RULE']", "it is not True or False", 'Write "MAY_RULE": True')
    yield from faults_of_broker(where, options)
    for option in ("BROKER", "URL"):
        yield from _faults_of_address(f"{where}[{option!r}]", option, options.get(option, ""))


def _faults_of_keys(where: str, name: str, value: object) -> Iterator[PeerFault]:
    secrets = {ONLY_KEY: value} if isinstance(value, str) else value
    where = f"{where}['KEY']"
    if not isinstance(secrets, Mapping) or not secrets:
        problem = "it is missing" if value is None else "it is neither a secret nor secrets by ids"
        yield PeerFault(where, problem, KEY_STEP)
        return
    for id_, secret in secrets.items():
        if not isinstance(id_, str) or not isinstance(secret, str):
            yield PeerFault(where, "an id or a secret in it is no text", KEY_STEP)
            continue
        try:
            PeerKey(id=id_, peer=name, secret=secret.encode())
        except (ConfigurationError, UnicodeEncodeError) as error:
            yield PeerFault(where, getattr(error, "problem", "it is no valid text"), KEY_STEP)


def _faults_of_patterns(where: str, value: object) -> Iterator[PeerFault]:
    if not isinstance(value, list | tuple):
        yield PeerFault(where, "it is not a list of patterns", 'Write a list: ["dam/**"].')
        return
    for text in value:
        try:
            Pattern.parse(text)
        except InvalidPattern as error:
            yield PeerFault(where, str(error).rstrip("."), 'Write a list: ["dam/**"].')


def _faults_of_address(where: str, option: str, value: object) -> Iterator[PeerFault]:
    example = "https://render.example" if option == "URL" else "amqp://user@broker.example//"
    if value and not _is_address(value, web=option == "URL"):
        # Without the value, which may hold a password.
        yield PeerFault(where, "it is not an address", f"Write one such as {example}")


def _is_address(value: object, *, web: bool) -> bool:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and (
        parts.scheme in {"http", "https"} and bool(parts.hostname) if web else bool(parts.scheme)
    )


def _shared_secrets(configured: Mapping[Any, Any]) -> Iterator[PeerFault]:
    """Yield secrets of two peers: either could sign for the other."""
    peers: dict[str, list[str]] = defaultdict(list)
    for name, options in configured.items():
        for secret in set(_secrets(options)):
            peers[secret].append(str(name))
    for names in peers.values():
        if len(names) > 1:
            problem = f"one secret is for {' and '.join(names)}, and each could sign for the others"
            yield PeerFault("OFFLOAD['PEERS']", problem, f"Give each its own. {KEY_STEP}")


def _secrets(options: object) -> Iterable[str]:
    key = options.get("KEY") if isinstance(options, Mapping) else None
    found = key.values() if isinstance(key, Mapping) else (key,)
    return (one for one in found if isinstance(one, str))


def _where(name: object) -> str:
    return f"OFFLOAD['PEERS'][{name!r:.80}]"


def _peer(name: str, options: Mapping[str, Any]) -> PeerConfig:
    configured = options["KEY"]
    secrets = {ONLY_KEY: configured} if isinstance(configured, str) else configured
    return PeerConfig(
        name=name,
        keys=tuple(PeerKey(id=id_, peer=name, secret=one.encode()) for id_, one in secrets.items()),
        accepts=tuple(map(Pattern.parse, options.get("ACCEPT", ()))),
        sends=tuple(map(Pattern.parse, options.get("SEND", ()))),
        sends_whole=tuple(map(Pattern.parse, options.get("SEND_WHOLE", ()))),
        off=frozenset(map(PeerSwitch, options.get("OFF", ()))),
        may_rule=options.get("MAY_RULE", False),
        broker=LinkBroker(
            url=options.get("BROKER", ""),
            options=options.get("BROKER_OPTIONS", {}),
            ssl=options.get("BROKER_USE_SSL", False),
        ),
        url=options.get("URL", "").rstrip("/"),
    )
