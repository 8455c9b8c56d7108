"""The two sites of the sample: what the workers of each may run, and how each knows the other.

`author` has the assets and does nothing heavy; `render` makes their renditions.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTHOR, RENDER = "author", "render"

#: The topics that travel from the author's site to the other one: by themselves, or with a run that
#: goes there whole.
RENDITIONS, OF_WHOLE_RUNS = "dam/rendition/**", "dam/**"

#: The topics of each worker. All run the same code; rules make the difference.
WORKERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    AUTHOR: {"author@demo": ("dam/manifest", "dam/metadata")},
    RENDER: {
        "thumbs@demo": ("dam/manifest", "dam/metadata", "dam/rendition/thumbnail", "offload/run"),
        "web@demo": ("dam/rendition/animated", "dam/rendition/web"),
    },
}

#: The launchers of the author's site: two of the demo, which take whatever they are given, and of
#: assets.
LAUNCHERS: Mapping[str, Mapping[str, Any]] = {
    "demo": {"pattern": "demo/**", "workflow": "dam/update-asset", "takes_outputs": True},
    "demo-whole": {
        "pattern": "demo/*/whole/*",
        "workflow": "dam/update-asset/whole",
        "takes_outputs": True,
    },
    "assets": {
        "pattern": "assets/**",
        "include": ["image/*", "application/pdf", "video/*"],
        "workflow": "dam/update-asset",
        "parameters": {"path": "$path", "media_type": "$media_type"},
    },
}

#: The port that each site prefers.
PORTS = {AUTHOR: 8000, RENDER: 8001}


def here() -> str:
    """Return the site that this process belongs to; raise ImproperlyConfigured if there is none."""
    name = os.environ.get("OFFLOAD_SITE") or AUTHOR
    if name not in WORKERS:
        raise ImproperlyConfigured(
            f"OFFLOAD_SITE is {name!r}; there are the sites {' and '.join(WORKERS)}."
        )
    return name


def own_variable(name: str, site: str) -> str:
    """Return a variable of the environment for the site: that of `render` ends in _RENDER."""
    return os.environ.get(name if site == AUTHOR else f"{name}_{site.upper()}", "")


def link(site: str, *, key: str, address: str) -> dict[str, Any]:
    """Return the settings by which the site knows the other one.

    Files go by HTTP alone, and only to and from the author's `address`.
    """
    options: dict[str, dict[str, Any]] = {
        AUTHOR: {RENDER: {"SEND": [RENDITIONS], "SEND_WHOLE": [OF_WHOLE_RUNS]}},
        RENDER: {AUTHOR: {"ACCEPT": [OF_WHOLE_RUNS], "URL": f"{address}/offload"}},
    }
    launchers = {AUTHOR: LAUNCHERS}.get(site, {})
    peers = {name: {"KEY": {"1": key}, **said} for name, said in options[site].items()}
    return {"CLUSTER": site, "PEERS": peers, "TRANSPORTS": {"*": ["http"]}, "LAUNCHERS": launchers}
