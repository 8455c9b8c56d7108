"""The suffix of a file's name, as far as a path on this host may have it."""

from __future__ import annotations

import re

#: The last suffix, with that of an archive before a compression's: ``.tar.gz``.
_SUFFIX = re.compile(r"[^/](?P<suffix>(\.tar)?\.[A-Za-z0-9]{1,16})\Z")


def suffix_of(name: str) -> str:
    """Return the suffix of a name, by which programs tell kinds of files; "" if none is plain."""
    found = _SUFFIX.search(name)
    return found["suffix"] if found else ""
