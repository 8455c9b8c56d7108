"""Images and videos that ffmpeg made, where there is that program: they become renditions."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from tests.unit.project.pictures import halves, looks_like_it

if TYPE_CHECKING:
    from pathlib import Path

FFMPEG = shutil.which("ffmpeg")
pytestmark = pytest.mark.skipif(FFMPEG is None, reason="there is no program ffmpeg here")
SIZE = (96, 48)
#: What ffmpeg's own encoders write: the suffix and the options.
ENCODED: list[tuple[str, list[str]]] = [
    ("png", ["-pix_fmt", "rgb48be"]), ("png", ["-pix_fmt", "rgba"]), ("png", ["-pix_fmt", "pal8"]),
    ("jpg", ["-pix_fmt", "yuvj420p", "-q:v", "2"]), ("jpg", ["-pix_fmt", "yuvj444p", "-q:v", "2"]),
    ("tif", ["-pix_fmt", "rgb24"]), ("tif", ["-compression_algo", "lzw"]), ("gif", []),
    ("webp", ["-lossless", "1"]),
]  # fmt: skip
VIDEOS = {
    "mp4": ["-c:v", "mpeg4", "-q:v", "2"],
    "mkv": ["-c:v", "ffv1"],
    "avi": ["-c:v", "mjpeg", "-q:v", "2"],
    "webm": ["-c:v", "libvpx", "-b:v", "1M"],
}


def encoded(folder: Path, name: str, options: list[str]) -> BytesIO:
    """Return what ffmpeg makes of the two halves; a video is a second long."""
    source, target = folder / "source.png", folder / name
    halves(SIZE).save(source)
    times = ["-t", "1"] if name.rpartition(".")[2] in VIDEOS else ["-frames:v", "1"]
    looped = ["-loop", "1", "-i", str(source)]
    command = [str(FFMPEG), "-v", "error", *looped, *times, *options, str(target)]
    subprocess.run(command, check=True, timeout=120)
    return BytesIO(target.read_bytes())


@pytest.mark.parametrize(("suffix", "options"), ENCODED)
def test_what_ffmpeg_encodes(tmp_path: Path, suffix: str, options: list[str]) -> None:
    looks_like_it(encoded(tmp_path, f"made.{suffix}", options))


@pytest.mark.parametrize("kind", VIDEOS)
def test_the_first_picture_of_a_video_is_its_poster(tmp_path: Path, kind: str) -> None:
    looks_like_it(encoded(tmp_path, f"made.{kind}", VIDEOS[kind]))
