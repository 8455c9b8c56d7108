"""The picture of a file that is no image: a page of a document, or a moment of a video."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pypdfium2

from offload import PermanentError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes by which a file is recognised.
HEAD_BYTES = 1024
#: Pixels of the longer side of a page.
PAGE_PIXELS = 2048
#: How videos begin: at the fifth byte, and at the first.
BOXED, BRANDS_OF_IMAGES = b"ftyp", (b"avif", b"avis", b"heic", b"mif1")
MATROSKA = b"\x1aE\xdf\xa3"
#: Seconds that a video may take.
VIDEO_SECONDS = 60


@contextmanager
def picture(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield an image of the file, which may be one, a PDF or a video.

    Raise PermanentError, with the reason, for a file of which none can be made.
    """
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if head.startswith(b"%PDF-"):
        yield page(file)
    elif is_video(head):
        yield moment(file)
    elif is_svg(head):
        raise PermanentError(
            "The file is an SVG, which may hold scripts and fetch other files: it is not drawn"
        )
    else:
        yield file


def is_svg(head: bytes) -> bool:
    """Tell whether a file that begins like this is an SVG."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<svg", b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in text


def is_video(head: bytes) -> bool:
    """Tell whether a file that begins like this is a video."""
    is_boxed = head[4:8] == BOXED and head[8:12] not in BRANDS_OF_IMAGES
    return is_boxed or head.startswith(MATROSKA) or (head[:4], head[8:12]) == (b"RIFF", b"AVI ")


def page(file: IO[bytes]) -> IO[bytes]:
    """Return the first page of a PDF as an image; raise PermanentError if it cannot be drawn."""
    try:
        document: Any = pypdfium2.PdfDocument(file.read())
        first = document[0]
        scale = PAGE_PIXELS / max(first.get_size())
        image = first.render(scale=min(scale, 4)).to_pil()
        document.close()
    except (pypdfium2.PdfiumError, IndexError, ValueError, ZeroDivisionError) as error:
        raise PermanentError(f"The document cannot be read: {error}") from error
    made = BytesIO()
    image.convert("RGB").save(made, "PNG")
    made.seek(0)
    return made


def moment(file: IO[bytes]) -> IO[bytes]:
    """Return the first picture of a video; raise PermanentError if it has none.

    The program ffmpeg makes it, where there is one.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise PermanentError("The file is a video, and there is no program ffmpeg here")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "video"), Path(folder, "picture.png")
        with source.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        command = [program, "-v", "error", "-protocol_whitelist", "file", "-i", str(source),
                   "-frames:v", "1", str(target)]  # fmt: skip
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=VIDEO_SECONDS)  # noqa: S603
            return BytesIO(target.read_bytes())
        except (subprocess.SubprocessError, OSError) as error:
            said = getattr(error, "stderr", b"") or b""
            reason = said.decode(errors="replace").strip()[-300:] or type(error).__name__
            raise PermanentError(f"The video cannot be read: {reason}") from error
