from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import offload
from tests.acceptance.site import tasks

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet

pytestmark = pytest.mark.everywhere


def test_a_job_runs_on_a_worker_and_its_result_comes_back(fleet: Fleet) -> None:
    fleet.need("a", "b")

    assert offload.submit("acc/quick", {"value": {"a": [1, None]}}).result(30) == {"a": [1, None]}


def test_plain_celery_tasks_run_on_the_same_worker_as_ever(fleet: Fleet) -> None:
    fleet.need("a", "b")

    assert tasks.add.delay(2, 3).get(timeout=30) == 5
