"""Launchers as they are listed, and what switches them off."""

from __future__ import annotations

from offload.models import Launcher, LauncherSwitch


def all_launchers() -> list[Launcher]:
    """Return all launchers, by name."""
    return list(Launcher.objects.all())


def enabled_count() -> int:
    """Return how many launchers are enabled."""
    return int(Launcher.objects.filter(enabled=True).count())


def switches() -> list[LauncherSwitch]:
    """Return the switches that are off, that of the whole site first."""
    return list(LauncherSwitch.objects.order_by("instance"))
