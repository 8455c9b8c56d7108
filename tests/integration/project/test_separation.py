from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from offload.models import Job
from offload.workflows import start
from project.dam.workflow import UPDATE_ASSET
from project.demo.account import Account, Held, Moved, held, held_in
from project.demo.ran import Ran
from project.demo.row import Row
from project.demo.rows import travelled
from project.demo.separation import separation_problems

if TYPE_CHECKING:
    from pathlib import Path

INPUT = Moved(job="1", direction="input", name="original", transport="http", sent=5, saved=0)
OUTPUT = replace(INPUT, direction="output", name="thumbnail.48.png")


def site(name: str, folder: Path, *moved: Moved) -> Account:
    """Return a site with an original and a key."""
    (folder / name / "media").mkdir(parents=True)
    (folder / name / "media" / "original.jpg").write_bytes(b"pixels")
    (folder / name / "secret_key").write_bytes(name.encode())
    return looked_at(name, folder, *moved)


def looked_at(name: str, folder: Path, *moved: Moved) -> Account:
    """Return the site as it is now."""
    own = folder / name
    found = tuple(held_in(own))
    return Account(site=name, folder=str(own), held=found, orphans=(), moved=moved)


@pytest.fixture
def author(tmp_path: Path) -> Account:
    """Return the site that submits."""
    return site("author", tmp_path)


@pytest.fixture
def render(tmp_path: Path) -> Account:
    """Return the site that makes renditions."""
    return site("render", tmp_path, INPUT, OUTPUT)


@pytest.fixture
def original(author: Account) -> Held:
    """Return the author's original as it was first stored."""
    return next(one for one in author.held if one.path.endswith("original.jpg"))


def test_sites_that_share_nothing_have_no_problems(
    author: Account, render: Account, original: Held
) -> None:
    assert list(separation_problems(author, render, [original])) == []


def test_an_original_that_was_written_again_is_found(
    author: Account, render: Account, original: Held, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"pixels")
    os.replace(other, original.path)

    [found] = separation_problems(looked_at("author", tmp_path), render, [original])

    assert found == f"{original.path} was written again after it was submitted"


@pytest.mark.parametrize("make", [os.link, os.symlink])
def test_a_link_from_one_folder_into_the_other_is_found(
    author: Account, render: Account, tmp_path: Path, make: object
) -> None:
    assert callable(make)
    make(tmp_path / "author/secret_key", tmp_path / "render/borrowed")

    found = list(
        separation_problems(looked_at("author", tmp_path), looked_at("render", tmp_path), [])
    )

    assert any("render/borrowed may be a file of the other site" in one for one in found)


def test_a_folder_in_the_other_one_is_found(author: Account, render: Account) -> None:
    inside = replace(render, folder=f"{author.folder}/render")

    [found] = separation_problems(author, inside, [])

    assert "is in the other" in found


@pytest.mark.parametrize(
    ("moved", "problem"),
    [
        (replace(INPUT, transport="storage"), "original of 1 went by storage"),
        (replace(OUTPUT, name="original"), "was sent to the author's site, and should not be"),
    ],
)
def test_what_travelled_another_way_or_should_not_is_found(
    author: Account, render: Account, moved: Moved, problem: str
) -> None:
    [found] = separation_problems(author, replace(render, moved=(moved,)), [])

    assert problem in found


def test_a_whole_run_sends_what_all_of_its_steps_made(author: Account, render: Account) -> None:
    listed = replace(OUTPUT, name="manifest.json")
    ran = Ran(of_job="1", topic="dam/manifest", instance="thumbs@demo", state="SUCCEEDED")
    there = replace(render, moved=(listed,))

    assert list(separation_problems(author, replace(there, ran=(ran,)), [])) == []
    [found] = separation_problems(author, there, [])
    assert "should not be" in found


@pytest.mark.django_db
def test_a_site_accounts_for_its_files_and_names_those_that_no_row_knows(
    root: Path, tmp_path: Path
) -> None:
    start(UPDATE_ASSET, files={"original": root / "project/photos/chelsea.png"})
    strange = storages["offload"].save("strange/original.png", ContentFile(b"pixels"))
    try:
        said = Account.here()
        said.write(tmp_path / "said.json")
    finally:
        storages["offload"].delete(strange)

    assert storages["offload"].path(strange) in said.orphans
    assert said.site == settings.SITE
    assert Account.load(tmp_path / "said.json") == said
    assert Job.objects.count() == 5


def test_a_content_that_was_there_counts_as_saved_and_names_no_way_of_its_own() -> None:
    row = Row(file="a", topic="t", cluster="render", instance="i", state="SUCCEEDED", error="")
    there = replace(OUTPUT, transport="held", sent=0, saved=7)

    both = travelled(row, [INPUT, there])

    assert (both.transport, both.bytes_sent, both.bytes_saved) == ("http", 5, 7)
    assert travelled(row, [there]).transport == "held"
    assert travelled(row, []) == row


def test_a_file_that_is_gone_is_not_held(tmp_path: Path) -> None:
    assert held(tmp_path / "gone") is None


def test_both_sites_have_folders_of_their_own() -> None:
    assert settings.FOLDER == settings.VAR / "author"
