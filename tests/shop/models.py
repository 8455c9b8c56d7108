"""Models with fields that outputs are delivered into."""

from __future__ import annotations

from django.db import models


class Asset(models.Model):
    """A thing with a picture."""

    title = models.CharField(max_length=50, default="")
    thumbnail = models.FileField(upload_to="thumbnails/")
    short = models.FileField(upload_to="short/", max_length=12)
    width = models.PositiveIntegerField(null=True, default=None)
    height = models.PositiveIntegerField(null=True, default=None)
    picture = models.ImageField(
        upload_to="pictures/%Y/", width_field="width", height_field="height", blank=True
    )

    objects: models.Manager[Asset] = models.Manager()

    def __str__(self) -> str:
        """Return the title."""
        return self.title
