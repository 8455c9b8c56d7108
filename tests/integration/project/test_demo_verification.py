from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from PIL import Image

from project.dam import images
from project.demo.assets import Asset, NoAssets, assets_in
from project.demo.row import Row
from project.demo.steps import STEPS
from project.demo.verification import problems
from project.sites import RENDER, WORKERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project.demo.steps import Step


@pytest.fixture
def asset(root: Path) -> Asset:
    """Return a photograph that EXIF has to turn."""
    path = root / "project" / "photos" / "coffee-sideways.jpg"
    return Asset(path=path, name=path.name, is_ours=True)


@pytest.fixture
def rows(asset: Asset, tmp_path: Path) -> list[Row]:
    """Return the rows of a faultless demo of the photograph."""
    return [row_for(step, asset, tmp_path) for step in STEPS]


def row_for(step: Step, asset: Asset, folder: Path) -> Row:
    """Make the file of a step, and its row."""
    path = folder / step.output
    with asset.path.open("rb") as original:
        path.write_bytes(content_of(step, original))
    cluster, instance = next(
        (site, name)
        for site, workers in WORKERS.items()
        for name, topics in workers.items()
        if step.topic in topics
    )
    row = Row(
        file=asset.name,
        topic=step.topic,
        cluster=cluster,
        instance=instance,
        state="SUCCEEDED",
        error="",
    )
    travelled = replace(row, transport="http", bytes_saved=1) if cluster == RENDER else row
    return recorded(travelled, path)


def content_of(step: Step, original: Any) -> bytes:
    """Return the step's file, made from the original."""
    if step.box is None:
        return b"{}"
    make = images.thumbnail if step.output.endswith("png") else images.web
    return make(original, box=step.box).getvalue()


def recorded(row: Row, path: Path) -> Row:
    """Return the row with the file as it is now."""
    content = path.read_bytes()
    return replace(
        row,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=os.path.relpath(path, settings.BASE_DIR),
    )


def redrawn(rows: list[Row], draw: Callable[[Image.Image], Image.Image]) -> list[Row]:
    """Return the rows with the web rendition drawn anew, and recorded."""
    *before, web, manifest = rows
    path = settings.BASE_DIR / str(web.path)
    with Image.open(path) as image:
        drawn = draw(image)
    drawn.save(path)
    return [*before, recorded(web, path), manifest]


def test_a_faultless_demo_has_no_problems(asset: Asset, rows: list[Row]) -> None:
    assert problems(asset, rows) == []


@pytest.mark.parametrize(
    ("draw", "problem"),
    [
        (lambda image: image.resize((image.width, image.height // 2)), "aspect was not kept"),
        (lambda image: image.resize((1500, 1000)), "does not fit in 1280"),
        (lambda image: image.resize((660, 440)), "larger than the original"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_180), "turned or mirrored"),
        (lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), "turned or mirrored"),
        (lambda image: image.transpose(Image.Transpose.ROTATE_90), "aspect was not kept"),
    ],
)
def test_a_rendition_that_is_drawn_wrongly_is_found(
    asset: Asset,
    rows: list[Row],
    draw: Callable[[Image.Image], Image.Image],
    problem: str,
) -> None:
    assert any(problem in found for found in problems(asset, redrawn(rows, draw)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"instance": "web@demo"}, "which was not allowed to"),
        ({"cluster": "author"}, "which was not allowed to"),
        ({"transport": "inline"}, "went by inline"),
        ({"bytes_saved": 0}, "went by http"),
        ({"state": "GIVEN_UP", "error": "no luck"}, "is GIVEN_UP: no luck"),
        ({"path": None}, "does not exist"),
        ({"sha256": "0" * 64}, "is not the file that was recorded"),
        ({"bytes": 1}, "is not the file that was recorded"),
    ],
)
def test_a_row_that_is_wrong_is_found(
    asset: Asset, rows: list[Row], change: dict[str, Any], problem: str
) -> None:
    wrong = [replace(rows[1], **change) if row is rows[1] else row for row in rows]

    found = problems(asset, wrong)

    assert found
    assert problem in found[0]


def test_a_step_of_a_whole_run_may_have_found_its_file_at_the_other_site(
    asset: Asset, rows: list[Row]
) -> None:
    held = replace(rows[1], transport="held", went="whole")

    assert problems(asset, [rows[0], held, *rows[2:]]) == []
    [found] = problems(asset, [rows[0], replace(held, went="by steps"), *rows[2:]])
    assert "went by held" in found


def test_a_rendition_that_does_not_open_is_found(asset: Asset, rows: list[Row]) -> None:
    path = settings.BASE_DIR / str(rows[1].path)
    path.write_bytes(path.read_bytes()[:100])
    broken = [rows[0], recorded(rows[1], path), *rows[2:]]

    [found] = problems(asset, broken)

    assert "does not open" in found


def test_an_unreadable_file_has_to_end_in_errors_with_reasons(tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear all")
    letter = Asset(path=path, name=path.name, is_ours=False)
    refused = [
        Row(
            file=path.name,
            topic=step.topic,
            cluster="",
            instance="",
            state="ERROR",
            error="no image",
        )
        for step in STEPS
    ]

    assert problems(letter, refused) == []
    assert len(problems(letter, [replace(refused[0], state="SUCCEEDED"), *refused[1:]])) == 1
    assert len(problems(letter, [replace(refused[0], error=""), *refused[1:]])) == 1
    assert len(problems(replace(letter, is_ours=True), refused)) == 1


def test_every_file_of_a_folder_is_an_asset_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    names = [b"a b.jpg", b"-rf", b"sub/\xc3\xbc\n.PNG", b"\xff\xfe.gif", b".hidden"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")

    found = assets_in(tmp_path)

    assert sorted(asset.name for asset in found) == [
        "-rf",
        "\\xff\\xfe.gif",
        "a b.jpg",
        "sub/ü\\n.PNG",
    ]
    assert not any(asset.is_ours for asset in found)


def test_the_photographs_of_the_project_are_recognised_as_its_own(root: Path) -> None:
    found = assets_in(root / "project" / "photos")

    assert len(found) >= 5
    assert all(asset.is_ours for asset in found)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_files_is_said_to_be_one(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(NoAssets, match=name):
        assets_in(tmp_path / name)
