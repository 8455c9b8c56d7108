"""Preferences of queues on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.models import ChangeRecord, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    Said = Callable[..., str]
    Answered = Callable[..., Any]


def test_what_instances_had_better_have_is_set_shown_and_cleared(
    said: Said, answered: Answered
) -> None:
    said("queues", "add", "renders", "dam/**", "--prefer", "gpu:5", "--prefer", "labels=shared:-2")
    assert "prefers gpu == true (+5); label shared (-2)" in ChangeRecord.objects.get().text
    given = [[{"gpu": True}, 5], [{"labels": ["shared"]}, -2]]
    [renders] = [one for one in answered("queues") if one["name"] == "renders"]
    assert renders["prefers"] == given
    assert "renders prefers gpu == true (+5); label shared (-2)." in said("queues")

    said("queues", "set", "renders", "--prefer", "none")

    assert Queue.objects.get().prefers == []
    with pytest.raises(CommandError, match=r"gpu:much.*is no number"):
        said("queues", "set", "renders", "--prefer", "gpu:much")
