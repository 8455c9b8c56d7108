"""launchers add, edit, remove, enable, disable: checked as in the admin, and taken back."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError
from django.utils.module_loading import autodiscover_modules

from offload.models import ChangeRecord, Launcher
from offload.workflows import definitions, step, workflow

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]

FULL = (
    "photos", "photos/**", "made/whole", "--event", "found", "--exclude", "image/svg+xml",
    "--include", "image/*", "--include", "application/pdf", "--size-min", "1", "--size-max", "900",
    "--set", "width=48", "--set", 'of="$name"', "--set", "word=it's 5", "--input-name", "original",
    "--takes-outputs", "--disabled",
)  # fmt: skip


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define one workflow."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", {})
    workflow("made/whole")(lambda: step("made/first"))


def values() -> list[dict[str, Any]]:
    """Return the stored launchers, without their keys."""
    return list(Launcher.objects.order_by("name").values(*(
        one.name for one in Launcher._meta.fields if one.name != "id"
    )))  # fmt: skip


def words(found: dict[str, Any]) -> list[str]:
    """Return the words after the verb of the command that takes a change back."""
    program, command, verb, *rest = shlex.split(found["undo"])
    assert (program, command, verb) == ("manage.py", "offload", "launchers")
    return rest


def test_what_is_removed_is_restored_by_the_command_that_is_shown(answered: Answered) -> None:
    made = answered("launchers", "add", *FULL)
    before = values()

    removed = answered("launchers", "remove", "photos")
    assert values() == []
    answered("launchers", *words(removed))

    assert values() == before
    assert before[0]["parameters"] == {"width": 48, "of": "$name", "word": "it's 5"}
    assert (before[0]["include"], before[0]["enabled"]) == (["image/*", "application/pdf"], False)
    assert (made["action"], made["undo"], made["launcher"]["problem"]) == ("add", None, None)
    record = ChangeRecord.objects.get(action="remove launcher")
    assert removed["undo"] in record.text
    assert record.entrance == "terminal"


@pytest.mark.parametrize(
    "change",
    [
        ["--pattern", "a b/*.jpg"],
        ["--include", "none", "--size-max", "none", "--no-takes-outputs"],
        ["--set", "width=50", "--set", "new=[1]", "--unset", "of"],
        ["--event", "any", "--input-name", "", "--enabled", "--exclude", "video/*"],
    ],
)
def test_an_edit_is_taken_back_by_the_command_that_is_shown(
    answered: Answered, change: list[str]
) -> None:
    answered("launchers", "add", *FULL)
    before = values()

    edited = answered("launchers", "edit", "photos", *change)
    assert values() != before
    answered("launchers", *words(edited))

    assert values() == before


def test_words_that_begin_with_a_dash_come_back_too(said: Said) -> None:
    options = ["--set=-key=-1", "--input-name=-x"]
    said("launchers", "add", *options, "--", "-name-", "-a/**", "made/whole")
    before = values()

    for change in (["edit", "--set=-key=2"], ["remove"]):
        found = json.loads(said("launchers", *change, "--json", "--", "-name-"))
        said("launchers", *words(found))
        assert values() == before


def test_an_odd_row_is_removed_without_a_command_that_would_make_it(answered: Answered) -> None:
    Launcher.objects.create(
        name="odd", pattern="a//b", workflow="made/whole", include="x", parameters=[1]
    )

    assert answered("launchers", "remove", "odd")["undo"] is None


def test_one_is_disabled_and_enabled(said: Said, answered: Answered) -> None:
    answered("launchers", "add", "texts", "in/*.txt", "made/whole")

    assert "To take it back: manage.py offload launchers enable texts" in (
        said("launchers", "disable", "texts")
    )
    assert not Launcher.objects.get().enabled
    assert answered("launchers", "enable", "texts")["launcher"]["enabled"] is True
    assert answered("launchers", "enable", "texts")["undo"] is None


def test_a_dry_run_says_what_would_be_and_stores_nothing(said: Said, answered: Answered) -> None:
    told = said("launchers", "add", "texts", "in/*.txt", "made/whole", "--dry-run")
    assert "Nothing was changed." in told
    assert "Made launcher texts" in told
    assert values() == []

    answered("launchers", "add", "texts", "in/*.txt", "made/whole")
    before = values()
    assert answered("launchers", "remove", "texts", "--dry-run")["dry_run"] is True
    answered("launchers", "edit", "texts", "--set", "a=1", "--dry-run")
    assert values() == before
    assert ChangeRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["add", "new", "a//b", "made/whole"], "a segment is empty"),
        (["add", "new", "a/**", "no/such"], "made/whole"),
        (["add", "new", "a/**", "made/whole", "--include", "jpeg"], "Give a list of media types"),
        (["add", "new", "a", "made/whole", "--size-min", "5", "--size-max", "4"], "less than the"),
        (["add", "new", "a", "made/whole", "--size-min", "-1"], "'-1' is not"),
        (["add", "new", "a", "made/whole", "--event", "sent"], "invalid choice: 'sent'"),
        (["add", "new", "a", "made/whole", "--set", "width"], "is not key=value"),
        (["add", "a b", "a", "made/whole"], "name: Enter a valid"),
        (["add", "texts", "a", "made/whole"], "To change it: manage.py offload launchers edit"),
        (["add", "new", "a"], "required: WORKFLOW"),
        (["edit", "texts"], "Say what to change"),
        (["edit", "text", "--pattern", "a"], "Did you mean 'texts'?"),
        (["edit", "texts", "--unset", "width"], "it has no parameter 'width' to leave out"),
        (["edit", "texts", "--set", "a=1", "--unset", "a"], "Leave one out"),
        (["remove", "no"], "There is no launcher 'no'"),
        (["enable", "no"], "There is no launcher 'no'"),
        (["remove", "declared"], "launchers disable declared"),
        (["edit", "declared", "--set", "a=1"], 'declared in OFFLOAD["LAUNCHERS"]'),
        (["eddit", "texts"], "Did you mean 'edit'?"),
    ],
)
def test_a_mistake_is_explained_and_nothing_is_stored(
    said: Said, given: list[str], problem: str
) -> None:
    Launcher.objects.create(name="texts", pattern="in/*.txt", workflow="made/whole")
    Launcher.objects.create(
        name="declared", pattern="d/**", workflow="made/whole", is_declared=True
    )
    before = values()

    with pytest.raises(CommandError) as caught:
        said("launchers", *given)

    assert problem in str(caught.value)
    assert values() == before
    assert not ChangeRecord.objects.exists()


def test_a_declared_launcher_can_be_disabled(said: Said) -> None:
    Launcher.objects.create(name="d", pattern="d/**", workflow="made/whole", is_declared=True)

    said("launchers", "disable", "d")

    assert not Launcher.objects.get().enabled
