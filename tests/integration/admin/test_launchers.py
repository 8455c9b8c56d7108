"""Launchers in the admin: edited, tried, switched off as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.urls import reverse
from django.utils.module_loading import autodiscover_modules

from offload.models import ChangeRecord, Launch, Launcher, LauncherSwitch
from offload.workflows import definitions, step, workflow
from tests.integration.admin.pages import address, errors, press, told

if TYPE_CHECKING:
    from django.test import Client

ADD = reverse("admin:offload_launcher_add")
LIST = reverse("admin:offload_launcher_changelist")
SWITCH_OFF = reverse("admin:offload_launcherswitch_add")
FIELDS: dict[str, Any] = {
    "name": "photos", "enabled": "on", "event": "any", "pattern": "photos/**", "exclude": "[]",
    "include": '["image/*"]', "workflow": "made/whole", "parameters": "{}", "input_name": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define one workflow."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", {})
    workflow("made/whole")(lambda: step("made/first"))


def test_a_launcher_is_made_changed_and_removed_on_record(boss: Client) -> None:
    told(boss.post(ADD, FIELDS))
    row = Launcher.objects.get()
    told(boss.post(address(row, "change"), {**FIELDS, "pattern": "photos/*"}))
    press(boss, LIST, "disable", row)
    assert not Launcher.objects.get().enabled
    press(boss, LIST, "enable", row)
    assert boss.get(address(row, "history")).status_code == 200
    told(boss.post(address(row, "delete"), {"post": "yes"}))

    assert not Launcher.objects.exists()
    assert [one.action for one in ChangeRecord.objects.order_by("id")] == [
        "add launcher", "set launcher", "set launcher", "set launcher", "remove launcher",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"pattern": "a//b"}, "a segment is empty"),
        ({"workflow": "no/such"}, "There are: made/whole"),
        ({"include": '["jpeg"]'}, "Give a list of media types"),
        ({"parameters": "[1]"}, "Give a JSON object"),
        ({"size_min": "5", "size_max": "4"}, "less than the least size"),
    ],
)
def test_a_mistake_is_explained(boss: Client, change: dict[str, str], problem: str) -> None:
    assert problem in errors(boss.post(ADD, {**FIELDS, **change}))
    assert not Launcher.objects.exists()


def test_a_path_is_tried_on_the_list(boss: Client, staff: Client) -> None:
    boss.post(ADD, FIELDS)

    def tried(**given: str) -> str:
        data = {f"try-{name}": value for name, value in given.items()}
        return str(boss.post(LIST, {"ask": "1", **data}).content.decode())

    assert "would start made/whole." in tried(path="photos/a.jpg")
    assert "text/plain is not included" in tried(path="photos/a.txt")
    assert "No launcher has a pattern for this path." in tried(path="other/a.jpg")
    assert "stand for folders" in tried(path="../a.jpg")
    assert "video/mp4 is not included" in tried(path="photos/a", media_type="video/mp4")


def test_all_are_switched_off_and_on(boss: Client) -> None:
    told(boss.post(SWITCH_OFF, {"instance": "*", "note": "moving"}))
    assert "launchers are switched off: moving" in boss.get(LIST).content.decode()

    row = LauncherSwitch.objects.get()
    again = {"note": "still moving"}
    told(boss.post(address(row, "change"), again))
    assert LauncherSwitch.objects.get().note == "still moving"
    press_on = reverse("admin:offload_launcherswitch_changelist")
    boss.post(press_on, {"action": "delete_selected", "_selected_action": ["*"], "post": "yes"})

    assert not LauncherSwitch.objects.exists()
    assert "Switch all launchers off" in boss.get(LIST).content.decode()


def test_a_declared_launcher_is_only_enabled_and_disabled(boss: Client) -> None:
    row = Launcher.objects.create(name="d", pattern="d/**", workflow="made/whole", is_declared=True)

    page = boss.get(address(row, "change")).content.decode()

    assert 'name="pattern"' not in page
    assert 'name="enabled"' in page
    assert boss.post(address(row, "delete"), {"post": "yes"}).status_code == 403


def test_launches_are_listed(boss: Client) -> None:
    Launch.objects.create(launcher="photos", path="photos/a.jpg", path_key="k", sha256="s")

    assert "photos/a.jpg" in boss.get(reverse("admin:offload_launch_changelist")).content.decode()
