"""Launchers that the settings declare, and checks of what the settings say of launchers."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from offload.checks.launchers import check
from offload.checks.offload_settings import check as check_settings
from offload.core.exceptions import InvalidLauncher
from offload.diagnostics import launchers as findings
from offload.launchers import declared_launchers
from offload.launchers.launcher_changes import SaveLauncher, SwitchLaunchers
from offload.models import Launcher
from offload.operations.changes.actors import at_terminal

DECLARED = {"pattern": "in/**", "include": ["image/*"], "workflow": "taken/whole"}


def said(**keys: Any) -> Any:
    """Return settings with these keys."""
    return override_settings(OFFLOAD={**settings.OFFLOAD, **keys})


def test_declared_launchers_follow_the_settings_and_people_switch_them() -> None:
    Launcher.objects.create(name="mine", pattern="x", workflow="taken/whole")
    with said(LAUNCHERS={"photos": DECLARED, "mine": DECLARED}):
        declared_launchers.sync(remove=True)
        SaveLauncher(name="photos", fields={"enabled": False}).apply(at_terminal())
        with pytest.raises(InvalidLauncher, match="declared in"):
            SaveLauncher(name="photos", fields={"pattern": "y"}).apply(at_terminal())
    with said(LAUNCHERS={"photos": {**DECLARED, "pattern": "new/**"}}):
        declared_launchers.sync(remove=False)

    assert {one.name: (one.pattern, one.enabled) for one in Launcher.objects.all()} == {
        "mine": ("x", True),
        "photos": ("new/**", False),
    }

    declared_launchers.sync(remove=True)
    assert [one.name for one in Launcher.objects.all()] == ["mine"]


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({"LAUNCHERS": {"a": {"patern": "x"}}}, "did you mean 'pattern'?"),
        ({"LAUNCHERS": {"a": {"pattern": "x//y", "workflow": "w"}}}, "a segment is empty"),
        ({"LAUNCHERS": {"a": {"pattern": "x"}}}, "workflow"),
        ({"LAUNCH_FIELDS": ["shop.Nothing.image"]}, "no such field"),
        ({"LAUNCH_FIELDS": ["shop.Asset.title"]}, "no FileField"),
        ({"LAUNCH_FIELDS": ["shop.Asset.none"]}, "none"),
        ({"WATCH": {"inbox": "relative"}}, "absolute path"),
        ({"WATCH": {"a/b": "/srv"}}, "plain name"),
    ],
)
def test_a_mistake_in_the_settings_is_found(keys: dict[str, Any], wanted: str) -> None:
    with said(**keys):
        found = check()

    assert len(found) == 1
    assert wanted in f"{found[0].msg} {found[0].hint}"


def test_good_settings_pass_and_mistyped_ones_are_named() -> None:
    good = {"WATCH": {"inbox": "/srv"}, "LAUNCH_FIELDS": ["shop.Asset.picture"]}
    with said(LAUNCHERS={"a": DECLARED}, **good):
        assert check() == check_settings() == []
    with said(WATCH={"inbox": 7}):
        assert "folders by names" in str(check_settings()[0].hint)


def test_the_doctor_says_what_keeps_launchers_from_starting() -> None:
    assert list(findings.examine()) == []

    SwitchLaunchers(off=True, note="moving").apply(at_terminal())
    with said(WATCH={"inbox": "/no/such/folder"}):
        found = [one.fact for one in findings.examine()]

    assert "Launchers of this site are switched off: moving." in found
    assert "The watched folder inbox, /no/such/folder, cannot be read from this host." in found
    assert "Folders are watched, but no launcher is enabled: nothing starts." in found
