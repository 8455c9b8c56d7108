"""Profiles: the renditions that are made of the originals in a folder."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from offload.core.exceptions import OffloadError
from project.dam import renditions


def validate_renditions(value: Any) -> None:
    """Raise ValidationError unless ``value`` is a list of renditions."""
    try:
        renditions.read(value)
    except OffloadError as error:
        raise ValidationError(str(error)) from error


def validate_folder(value: str) -> None:
    """Raise ValidationError for a folder that no path begins with."""
    if any(part in {"", ".", ".."} for part in value.split("/")):
        raise ValidationError("Write a folder such as photos/2027, without a slash at its ends.")


class Profile(models.Model):
    """A named set of renditions, for the originals in a folder and below it."""

    name = models.SlugField(max_length=100, unique=True)
    folder = models.CharField(
        max_length=255,
        blank=True,
        default="",
        unique=True,
        validators=[validate_folder],
        help_text="Such as photos/2027; empty for all. The nearest folder's profile holds alone.",
    )
    renditions = models.JSONField(
        validators=[validate_renditions],
        help_text=(
            'A list such as [{"name": "web.jpeg", "format": "JPEG", "width": 1280, "height": 720, '
            '"quality": 80, "include": ["image/*"], "exclude": ["image/gif"]}].'
        ),
    )
    metadata = models.BooleanField(default=True, help_text="Read the original's metadata.")
    metadata_fields = models.JSONField(
        blank=True,
        default=list,
        help_text='The fields that are kept, such as ["width", "exif"]; all if it is empty.',
    )

    objects: models.Manager[Profile] = models.Manager()

    class Meta:
        """Edited by people."""

        ordering = ("folder",)

    def __str__(self) -> str:
        """Return the name."""
        return self.name
