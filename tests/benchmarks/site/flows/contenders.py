"""How each contender runs the sample workflow, and what it has made."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django_celery_results.models import TaskResult

from project.dam import images
from project.dam.profiles import THUMBNAIL_PIXELS, WEB_PIXELS
from tests.benchmarks.site.contenders import Stored

if TYPE_CHECKING:
    from tests.benchmarks.variants import Variant

#: The workflow's name: the sites of Celery's contenders cannot import it.
UPDATE_ASSET = "dam/update-asset"
#: The photograph that every run is about.
ORIGINAL = Path(__file__).parents[4] / "project/photos/rocket.jpg"


class Wrong(Exception):
    """A run has not made what it should have."""


def expected() -> dict[str, str]:
    """Return the digests of the renditions, by name."""
    made = {}
    with ORIGINAL.open("rb") as file:
        for width in THUMBNAIL_PIXELS:
            made[f"thumbnail.{width}.png"] = images.thumbnail(file, box=width).getvalue()
            file.seek(0)
        made[f"web.{WEB_PIXELS}.jpeg"] = images.web(file, box=WEB_PIXELS).getvalue()
    return {name: sha256(content).hexdigest() for name, content in made.items()}


def check(runs: int, contents: list[dict[str, bytes]]) -> int:
    """Return how many renditions were verified; raise Wrong unless each run has made all."""
    wanted = expected()
    if len(contents) != runs:
        raise Wrong(f"{len(contents)} runs have files, not {runs}")
    for files in contents:
        found = {name: sha256(files.get(name, b"")).hexdigest() for name in wanted}
        if found != wanted or not {"metadata.json", "manifest.json"} <= files.keys():
            raise Wrong(f"a run has made {sorted(files)}, or other renditions than the others")
    return runs * len(wanted)


class Chords(Stored):
    """Chords of Celery, with results in the database."""

    def submit(self, number: int) -> None:
        """Begin a run."""
        from tests.benchmarks.site.flows import chord_tasks

        chord_tasks.begin(f"run-{number}", ORIGINAL)

    def has_ended(self, jobs: int) -> bool:
        """Return whether so many bodies have succeeded."""
        ended = TaskResult.objects.filter(task_name="flow.manifest", status="SUCCESS")
        return ended.count() >= jobs

    def verified(self, runs: int) -> int:
        """Return how many renditions are as they should be."""
        folders = [one for one in Path(settings.MEDIA_ROOT).iterdir() if one.is_dir()]
        contents = [{one.name: one.read_bytes() for one in folder.iterdir()} for folder in folders]
        return check(runs, contents)


def flows(variant: Variant) -> Any:
    """Return the contender of a variant."""
    if not variant.offload:
        return Chords()
    from tests.benchmarks.site.jobs import Jobs

    class Runs(Jobs):
        """Runs of offload's workflows."""

        def submit(self, number: int) -> None:
            """Begin a run."""
            from offload.workflows import start

            start(UPDATE_ASSET, files={"original": ORIGINAL})

        def has_ended(self, jobs: int) -> bool:
            """Return whether so many runs have succeeded."""
            from offload.models import Run

            return Run.objects.filter(state="SUCCEEDED").count() >= jobs

        def verified(self, runs: int) -> int:
            """Return how many renditions are as they should be."""
            from offload.models import PayloadFile, Run

            made = []
            for run in Run.objects.all():
                files = PayloadFile.objects.filter(payload=run.payload_id).exclude(job=None)
                made.append({one.name: _content(one) for one in files})
            return check(runs, made)

    return Runs()


def _content(file: Any) -> bytes:
    with file.open() as opened:
        return bytes(opened.read())
