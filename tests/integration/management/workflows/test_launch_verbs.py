"""launch and launchers: files are given by hand, and all launchers are switched."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError
from django.utils.module_loading import autodiscover_modules

from offload.models import Launcher, Run
from offload.workflows import definitions, step, workflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Said = Callable[..., str]
    Answered = Callable[..., Any]


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define one workflow, and a launcher of it."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    monkeypatch.setattr(definitions, "defined", {})
    workflow("made/whole")(lambda: step("made/first"))
    Launcher.objects.create(name="texts", pattern="in/*.txt", workflow="made/whole")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file in a folder that the launcher is for."""
    found = tmp_path / "in" / "a.txt"
    found.parent.mkdir()
    found.write_text("text")
    return found


def test_files_are_launched_once(said: Said, answered: Answered, file: Path) -> None:
    under = ("--under", str(file.parents[1]))

    planned = said("launch", str(file), *under, "--dry-run")
    assert "texts would start made/whole." in planned
    assert not Run.objects.exists()
    [first] = answered("launch", str(file), *under)
    again = said("launch", str(file), *under)

    run = Run.objects.get()
    assert first["launchers"][0]["run"] == run.pk
    assert "@" in run.actor
    assert f"texts starts nothing: it was launched before with this content. Its run: {run.pk}" in (
        again
    )


def test_what_cannot_be_launched_is_said_and_the_others_are(
    said: Said, file: Path, tmp_path: Path
) -> None:
    link = file.parent / "link.txt"
    link.symlink_to(file)
    outside = tmp_path.parent / f"{tmp_path.name}.txt"
    outside.write_text("x")
    out = StringIO()

    with pytest.raises(CommandError, match="3 of these could not be launched"):
        said("launch", str(link), str(outside), str(tmp_path / "no"), str(file),
             "--under", str(tmp_path), to=out)  # fmt: skip

    shown = out.getvalue()
    assert "it is a symbolic link" in shown
    assert "it is not in the folder" in shown
    assert Run.objects.count() == 1
    outside.unlink()


def test_a_path_that_no_launcher_is_for_is_no_failure(said: Said, file: Path) -> None:
    assert "no launcher has a pattern for its path" in said("launch", str(file))
    assert "would start" in said("launch", "in/later.txt", "--dry-run")


def test_launchers_are_listed_with_their_problems(said: Said, answered: Answered) -> None:
    Launcher.objects.create(name="bad", pattern="x", workflow="no/such")

    found = answered("launchers")

    assert [one["name"] for one in found["launchers"]] == ["bad", "texts"]
    assert "no/such" in found["launchers"][0]["problem"]
    assert found["off"] is None
    assert "texts" in said("launchers")


def test_all_are_switched_off_and_on(said: Said, answered: Answered, file: Path) -> None:
    assert "Nothing was changed" in said("launchers", "off", "--dry-run")
    said("launchers", "off", "--note", "moving")
    under = ("--under", str(file.parents[1]))

    assert "launchers are switched off: moving" in said("launch", str(file), *under)
    assert "Nothing starts" in said("launchers")
    assert json.loads(json.dumps(answered("launchers", "on")))["off"] is False
    assert "started run" in said("launch", str(file), *under)


def test_an_action_that_is_misspelt_is_refused_with_the_nearest(said: Said) -> None:
    with pytest.raises(CommandError, match="Did you mean 'off'"):
        said("launchers", "of")
