"""The environment of a program: nothing of the worker's but where programs and languages are."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from offload.files import descendants

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Variables of the worker that a program gets. All others may hold secrets.
INHERITED = ("PATH", "LANG", "LANGUAGE", "TZ")
INHERITED_PREFIX = "LC_"
#: Variables that name the folder for temporary files, and for a program's own settings.
TEMPORARY = ("TMPDIR", "TMP", "TEMP", "HOME")


def environment(temporary: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a program: those given, and the mark of the run, come last."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in INHERITED or name.startswith(INHERITED_PREFIX)
    }
    own = dict.fromkeys(TEMPORARY, str(temporary))
    mark = {descendants.MARK: str(temporary.parent)}
    return {"PATH": os.defpath, **inherited, **own, **given, **mark}
