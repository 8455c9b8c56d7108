"""Files that are no image: a document's first page is drawn, the others refused with the reason."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import PIL
import pytest
from PIL import Image

import project
from offload import PermanentError
from project.dam import images
from project.dam.pictures import picture
from tests.unit.project.pictures import as_file


def document(pages: int = 2) -> BytesIO:
    """Return a PDF whose first page is red and twice as wide as high."""
    first, *rest = [Image.new("RGB", (200, 100), c) for c in ("red", "blue", "blue")[:pages]]
    file = BytesIO()
    first.save(file, "PDF", save_all=True, append_images=rest)
    return BytesIO(file.getvalue())


def test_the_first_page_of_a_document_is_drawn() -> None:
    with picture(document()) as image:
        made = images.web(image, box=64)

    with Image.open(made) as found:
        red, green, blue = found.convert("RGB").getpixel((32, 16))  # type: ignore[misc]
        assert found.size == (64, 32)
        assert (red > 200, green < 60, blue < 60) == (True, True, True)


def test_an_image_is_left_as_it_is() -> None:
    file = as_file(Image.new("RGB", (9, 9)), "AVIF")

    with picture(file) as found:
        assert found is file
        assert images.open_image(found).format == "AVIF"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- a -->\n<svg/>", "is an SVG"),
        (b"%PDF-1.7\nbroken", "document cannot be read"),
        (b"%PDF-", "document cannot be read"),
    ],
)
def test_what_cannot_be_drawn_says_why(content: bytes, problem: str) -> None:
    with pytest.raises(PermanentError, match=problem), picture(BytesIO(content)):
        pass


def test_a_video_needs_its_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for head in (b"\0\0\0\x18ftypisom", b"\x1aE\xdf\xa3", b"RIFF\0\0\0\0AVI "):
        with pytest.raises(PermanentError, match="no program ffmpeg"), picture(BytesIO(head)):
            pass


def test_a_broken_video_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command, stderr=b"moov atom not found")

    monkeypatch.setattr(shutil, "which", lambda _: "ffmpeg")
    monkeypatch.setattr(subprocess, "run", fail)
    video = BytesIO(b"\x1aE\xdf\xa3")

    with pytest.raises(PermanentError, match="moov atom not found"), picture(video):
        pass


def real_files() -> list[Path]:
    """Return images of many makers: the photographs, and those in the installed packages."""
    ends = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".svg"}
    places = [Path(project.__file__).parent / "photos", Path(PIL.__file__).parents[1]]
    found = (file for place in places for file in sorted(place.rglob("*.*")))
    return [file for file in found if file.suffix.lower() in ends]


def outcome(file: Path) -> str:
    """Return the formats of the renditions of a file, or the reason of its refusal."""
    try:
        with file.open("rb") as opened, picture(opened) as image:
            small = images.thumbnail(image, box=48)
            image.seek(0)
            large = images.web(image, box=320)
    except PermanentError as error:
        return str(error)
    return ", ".join(Image.open(made).format or "" for made in (small, large))


def test_sixty_real_files_go_through() -> None:
    files = real_files()[:400]

    found = {file: outcome(file) for file in files}

    images_made = [file for file, what in found.items() if what == "PNG, JPEG"]
    refused = {file.suffix for file, what in found.items() if "is an SVG" in what}
    assert len(images_made) >= 60
    assert refused == {".svg"}
    assert [what for what in found.values() if what != "PNG, JPEG" and "SVG" not in what] == []
