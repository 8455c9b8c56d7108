"""The steps that an asset has to go through, and the file that each has to make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from project.dam.workflow import THUMBNAIL_PIXELS, WEB_PIXELS

if TYPE_CHECKING:
    from offload.models import Job
    from project.demo.ran import Ran


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A job that the workflow makes, and its file."""

    topic: str
    output: str
    #: Pixels of the square that the image has to fit in; none where it makes no image.
    box: int | None = None

    @property
    def label(self) -> str:
        """The step's short name."""
        return str(self.box) if self.box else self.topic.rpartition("/")[2]

    def is_of(self, job: Job | Ran) -> bool:
        """Return whether the job is this step."""
        return job.topic == self.topic and job.properties.get("width") == self.box


STEPS = (
    Step(topic="dam/metadata", output="metadata.json"),
    *(
        Step(topic="dam/rendition/thumbnail", output=f"thumbnail.{box}.png", box=box)
        for box in THUMBNAIL_PIXELS
    ),
    Step(topic="dam/rendition/web", output=f"web.{WEB_PIXELS}.jpeg", box=WEB_PIXELS),
    Step(topic="dam/manifest", output="manifest.json"),
)
