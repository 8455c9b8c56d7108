"""A group costs as many statements as one run, whatever its size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.db import database
from offload.jobs.groups import group_beginnings, group_endings
from offload.tracking import claiming
from tests.integration.jobs.groups.group_runs import FACTS_OF_ALL, holder, prepared
from tests.integration.world import Running, bound, key_of, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import PreparedEnd


def counted(act: Any, *args: Any) -> int:
    with statements() as sent:
        act(*args)
    return len(sent)


@pytest.mark.parametrize("size", [1, 10, 100])
def test_the_statements_of_a_group_do_not_grow_with_it(tracking: None, size: int) -> None:
    asked = {key_of(job): FACTS_OF_ALL for job in bound(size)}
    usual = 1 if database.vendor() == "postgresql" else 4

    assert counted(group_beginnings.begin_all, asked, holder()) == usual

    ends = _ends(list(asked))
    assert counted(group_endings.end_all, ends) == usual


def _ends(keys: Sequence[AttemptKey]) -> list[PreparedEnd]:
    rows = [(key, claiming.row_of(key)) for key in keys]
    return [
        prepared(Running(key=key, claimed=claiming.read(found))) for key, found in rows if found
    ]
