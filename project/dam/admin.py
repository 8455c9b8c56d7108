"""Profiles in the admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from project.dam.models import Profile

if TYPE_CHECKING:
    ProfileAdminBase = admin.ModelAdmin[Profile]
else:
    ProfileAdminBase = admin.ModelAdmin


@admin.register(Profile)
class ProfileAdmin(ProfileAdminBase):
    """The renditions that are made of the originals in a folder."""

    list_display = ("name", "folder", "names", "metadata")

    @admin.display(description="renditions")
    def names(self, profile: Profile) -> str:
        """Return the names of its renditions."""
        given: Any = profile.renditions
        return ", ".join(str(one.get("name", "")) for one in given if isinstance(one, dict))
