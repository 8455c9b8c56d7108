"""Launchers: workflows that start for files that arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.lazy import public

if TYPE_CHECKING:
    from offload.launchers.launch_previews import preview
    from offload.launchers.launched import Launched
    from offload.launchers.launching import launch

__all__ = ["Launched", "launch", "preview"]

#: Modules that other rooms use besides.
FOR_ROOMS = [
    "declared_launchers", "folder_watch", "launcher_changes", "launcher_commands", "launching",
    "launcher_rules", "saved_fields", "watched_folders",
]  # fmt: skip

#: Loaded when first used: models may not be ready.
HOMES = {
    "Launched": "offload.launchers.launched",
    "launch": "offload.launchers.launching",
    "preview": "offload.launchers.launch_previews",
}


def __getattr__(name: str) -> Any:
    """Load a public name that needs models from its home."""
    return public(__name__, HOMES, name)


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
