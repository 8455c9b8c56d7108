"""Profiles are bound to folders, and the workflow obeys the nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from project.dam.models import Profile
from project.dam.profiles import USUAL, profile_for

if TYPE_CHECKING:
    from django.test import Client

WEB = {"name": "web.webp", "format": "WEBP", "width": 640, "exclude": ["image/gif"]}
pytestmark = pytest.mark.django_db


def profile(name: str, folder: str, **facts: Any) -> Profile:
    """Store a profile."""
    return Profile.objects.create(name=name, folder=folder, renditions=[WEB], **facts)


def test_the_nearest_folder_has_its_profile_alone() -> None:
    profile("near", "photos/2027", metadata=False)
    assert profile_for("photos/a.jpg") is USUAL
    profile("all", "", metadata_fields=["width"])

    assert profile_for("") is USUAL
    assert profile_for("photos/a.jpg").metadata_fields == ("width",)
    assert profile_for("photos/2027/may/a.jpg").metadata is False
    assert profile_for("photos/20270/a.jpg").metadata is True


def test_the_workflow_makes_the_renditions_of_the_profile() -> None:
    from offload.workflows import definition

    profile("all", "photos", metadata=False)
    known = definition("dam/update-asset")

    usual = known.built({}).graph
    own = known.built({"path": "photos/a.jpg", "media_type": "image/jpeg"}).graph
    moving = known.built({"path": "photos/a.gif", "media_type": "image/gif"}).graph

    assert usual is not None
    assert own is not None
    assert moving is not None
    assert [one.topic for one in usual.steps] == [
        "dam/metadata", *["dam/rendition/thumbnail"] * 3, "dam/rendition/web", "dam/manifest",
    ]  # fmt: skip
    assert [one.topic for one in own.steps] == ["dam/rendition/web", "dam/manifest"]
    assert [one.topic for one in moving.steps] == ["dam/rendition/animated", "dam/manifest"]
    assert own.steps[0].signature["kwargs"]["name"] == "web.webp"


@pytest.mark.parametrize(
    "wrong", [{"renditions": []}, {"folder": "/photos"}, {"folder": "a/../b"}, {"name": "a b"}]
)
def test_a_wrong_profile_is_refused(wrong: dict[str, Any]) -> None:
    given = {"name": "web", "folder": "photos", "renditions": [WEB], **wrong}

    with pytest.raises(ValidationError):
        Profile(**given).full_clean()


def test_it_is_edited_in_the_admin(admin_client: Client) -> None:
    add = reverse("admin:dam_profile_add")
    given = {"name": "web", "folder": "photos", "metadata": "on", "metadata_fields": "[]"}

    empty = admin_client.post(add, {**given, "renditions": "[]"})
    admin_client.post(
        add, {**given, "renditions": '[{"name": "a.png", "format": "PNG", "width": 9}]'}
    )

    assert empty.status_code == 200
    assert "a.png" in admin_client.get(reverse("admin:dam_profile_changelist")).content.decode()
