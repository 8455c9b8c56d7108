"""The gallery: originals and their renditions as they arrive, and a place to drop new ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from offload.core.exceptions import OffloadError
from offload.core.texts import version_of
from offload.launchers import launch
from offload.models import PayloadFile, Run
from project.dam.workflow import UPDATE_ASSET, WHOLE_ASSET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.core.files.uploadedfile import UploadedFile
    from django.http import HttpRequest, HttpResponseBase

#: Assets on the page, the newest first, and files of one upload.
ASSETS_MAX, UPLOADS_MAX = 24, 100
#: Types that browsers draw and that hold no scripts; all others are only downloaded.
DRAWN = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})
#: The workflows whose runs are shown.
WORKFLOWS = (UPDATE_ASSET, WHOLE_ASSET)
#: The folder of uploads, by which launchers and profiles know them.
FOLDER = "assets/uploads"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A file on the page."""

    id: int
    name: str
    media_type: str
    size: int

    @property
    def is_drawn(self) -> bool:
        """Tell whether browsers draw it."""
        return self.media_type in DRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An asset on the page."""

    run: str
    name: str
    state: str
    original: Picture | None
    renditions: tuple[Picture, ...]
    #: The reasons of steps that failed.
    problems: tuple[str, ...]


def assets() -> Iterator[Shown]:
    """Yield the newest assets with what was made of them so far."""
    runs = list(Run.objects.filter(workflow__in=WORKFLOWS).order_by("-created_at")[:ASSETS_MAX])
    payloads = [one.payload_id for one in runs if one.payload_id]
    inputs = _by_payload(PayloadFile.objects.inputs().filter(payload__in=payloads))
    outputs = _by_payload(PayloadFile.objects.outputs().filter(payload__in=payloads))
    for run in runs:
        facts = run.user_data if isinstance(run.user_data, dict) else {}
        path = str(facts.get("path") or facts.get("file") or run.pk)
        yield Shown(
            run=run.pk,
            name=path.rpartition("/")[2],
            state=run.state,
            original=next(iter(inputs.get(run.payload_id, ())), None),
            renditions=tuple(outputs.get(run.payload_id, ())),
            problems=_problems(run),
        )


def _by_payload(files: Iterable[PayloadFile]) -> dict[str | None, list[Picture]]:
    found: dict[str | None, list[Picture]] = {}
    for one in sorted(files, key=lambda file: (file.media_type not in DRAWN, file.size)):
        shown = Picture(id=one.pk, name=one.name, media_type=one.media_type, size=one.size)
        found.setdefault(one.payload_id, []).append(shown)
    return found


def _problems(run: Run) -> tuple[str, ...]:
    plan = run.led[1] if run.led else {}
    return tuple(sorted({one.note for one in plan.values() if one.note and one.state == "FAILED"}))


@require_safe
@staff_member_required
def gallery(request: HttpRequest) -> HttpResponse:
    """Show the page."""
    context = {
        **admin.site.each_context(request), **_current(), "title": "Gallery",
        "site": settings.SITE, "is_nav_sidebar_enabled": False,
    }  # fmt: skip
    return render(request, "gallery.html", context)


@require_safe
@staff_member_required
def now(request: HttpRequest) -> HttpResponse:
    """Return the assets alone; nothing if the page shows this version."""
    current = _current()
    if request.GET.get("v") == current["version"]:
        return HttpResponse(status=204)
    return render(request, "_gallery.html", current)


def _current() -> dict[str, object]:
    found = list(assets())
    return {"assets": found, "version": version_of(found)}


@require_POST
@staff_member_required
def upload(request: HttpRequest) -> HttpResponse:
    """Launch the files that were dropped or chosen, and say what became of each."""
    files = request.FILES.getlist("files")
    if not files:
        messages.warning(request, "No file was chosen.")
    for one in files[UPLOADS_MAX:]:
        messages.warning(request, f"Not taken: {one.name}. At most {UPLOADS_MAX} files at once.")
    for one in files[:UPLOADS_MAX]:
        _launch(request, one)
    return redirect("gallery")


def _launch(request: HttpRequest, file: UploadedFile[bytes]) -> None:
    try:
        path = f"{FOLDER}/{file.name}"
        found = launch(file, path=path, by=request.user.get_username())
    except OffloadError as error:
        messages.error(request, str(error))
        return
    if not found:
        messages.error(request, f"Not started: {file.name}: no launcher takes files in {FOLDER}.")
    for one in found:
        if one.started:
            messages.success(request, f"On its way: {file.name}")
        else:
            messages.warning(request, f"Not started: {file.name}: {one.problem}")


@require_safe
@staff_member_required
def content(request: HttpRequest, number: int) -> HttpResponseBase:
    """Send a file of an asset: drawn by the browser, or else downloaded."""
    of_assets = {"payload__runs__workflow__in": WORKFLOWS}
    inputs = PayloadFile.objects.inputs().filter(**of_assets)
    outputs = PayloadFile.objects.outputs().filter(**of_assets)
    row = inputs.filter(pk=number).first() or outputs.filter(pk=number).first()
    if row is None:
        raise Http404
    is_drawn = row.media_type in DRAWN
    answer = FileResponse(
        row.open(),
        as_attachment=not is_drawn,
        filename=row.name,
        content_type=row.media_type if is_drawn else "application/octet-stream",
    )
    answer.headers["Cache-Control"] = "private, max-age=3600, immutable"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
