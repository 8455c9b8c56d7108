"""The sites of other clusters: whether the addresses of files are reached by HTTP."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from offload.conf import peers
from offload.core.lazy import load
from offload.core.peers.signing import PEER_VERSION
from offload.core.texts import as_text
from offload.diagnostics.finding import Finding, ok, warn
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.files.transports.http.reaching import SiteAnswer

SUBJECT = "peers"
#: Seconds for everything, also for finding out where the host of the address is.
SECONDS = 5.0
REACH = "offload.files.transports.http.reaching:reach"


def examine() -> Iterator[Finding]:
    """Yield whether the site of each cluster that has a URL is reached there.

    That urllib3 is missing, the check of the settings says.
    """
    addressed = [one for one in peers().by_name.values() if one.url]
    if addressed and find_spec("urllib3"):
        for one in addressed:
            yield reached(one.name, one.url)


def reached(name: str, url: str) -> Finding:
    """Return whether the site of a cluster is reached at an address."""
    try:
        answer = within(SECONDS, lambda: load(REACH)(url))
    except Exception as error:
        fact = (
            f"The site of {name} is not reached at {url}: {as_text(error) or type(error).__name__}."
        )
        step = f"Look whether its web server runs, and at URL of {name} in PEERS."
        return warn(SUBJECT, fact, f"{step} No file goes there or comes from there by http.")
    return answered(name, url, answer)


def answered(name: str, url: str, answer: SiteAnswer) -> Finding:
    """Return the meaning of an answer."""
    if not answer.protocol:
        led = f" and leads to {answer.leads_to}" if answer.leads_to else ""
        fact = (
            f"At {url}, not offload answers for {name}, but something else: {answer.status}{led}."
        )
        step = f"URL of {name} in PEERS is where its urls.py includes offload.urls."
        return warn(SUBJECT, fact, f"Correct it, or include them: {step}")
    if answer.protocol != str(PEER_VERSION):
        spoken = f"protocol {answer.protocol}, and {PEER_VERSION} is spoken here"
        fact = f"The site of {name} speaks {spoken}."
        return warn(SUBJECT, fact, "Update offload in the web processes of the older site.")
    took = f"{answer.seconds * 1000:.0f} ms"
    return ok(SUBJECT, f"The site of {name} is reached by http: {url} answers in {took}.")
