from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from django.core.checks import run_checks

from offload.checks import TAG

if TYPE_CHECKING:
    import pytest


def test_e013_says_that_other_systems_are_not_supported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")

    [found] = run_checks(tags=[TAG])

    assert found.id == "offload.E013"
    assert "this is Darwin" in found.msg
    assert "on Linux" in str(found.hint)
