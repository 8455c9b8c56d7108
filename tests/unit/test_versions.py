"""The versions that are tested are those that the package promises."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from tests import versions

if TYPE_CHECKING:
    from pathlib import Path


def test_every_promised_version_is_tested(root: Path) -> None:
    promised = tomllib.loads((root / "pyproject.toml").read_text())["project"]["classifiers"]

    last = [one.rpartition(" :: ")[2] for one in promised if one.startswith("Programming Lang")]
    django = [one.rpartition(" :: ")[2] for one in promised if one.startswith("Framework :: Dj")]
    assert list(versions.SUPPORTED) == [one for one in last if one[0].isdigit()]
    assert set(versions.SUPPORTED.values()) == {one for one in django if one[0].isdigit()}


def test_what_is_installed_is_the_lock_with_another_django(root: Path) -> None:
    lock = (root / "requirements.txt").read_text()

    lines = versions.requirements("6.1").splitlines()

    assert [one for one in lines if one not in lock] == ["django~=6.1.0"]
    assert [one for one in lines if one.startswith(("django==", "django-celery-beat"))] == []
    locked = [one for one in lock.splitlines() if "==" in one]
    assert len(lines) == len(locked) - len(versions.LEFT_OUT)
