"""Where outputs go: planned from the orders and the names alone."""

from __future__ import annotations

from typing import Any

import pytest

from offload.core.exceptions import InvalidDelivery, InvalidName
from offload.core.files.deliveries import (
    FAILURES_MAX,
    ToField,
    ToStorage,
    check_folder,
    check_pattern,
    field_name,
    lease,
    pause,
    plan,
)

WEB: Any = {"storage": "default", "folder": "assets/{job.id}"}
FIELD: Any = {"model": "shop.asset", "pk": "7", "field": "thumbnail"}


def planned(*orders: tuple[str, Any], names: list[str]) -> list[tuple[str, str, str]]:
    """Return the name, the location and the problem of each delivery of the job ``j``."""
    given = [{"name": name, "to": target} for name, target in orders]
    return [(one.name, one.location, one.problem) for one in plan("j", given, names)]


def test_a_pattern_delivers_each_output_that_it_matches_under_its_name() -> None:
    names = ["a.png", "web/48.png", "web/x/96.png"]

    assert planned(("web/*", WEB), names=names) == [
        ("web/48.png", "assets/j/web/48.png", ""),
        ("web/x/96.png", "assets/j/web/x/96.png", ""),
    ]


def test_a_field_gets_the_output_of_that_name_and_decides_where_it_is() -> None:
    assert planned(("a.png", FIELD), names=["a.png", "b.png"]) == [("a.png", "", "")]


def test_an_output_that_was_not_made_is_a_problem() -> None:
    assert planned(("a.png", FIELD), ("w*", WEB), names=["b"]) == [
        ("a.png", "", "the job has no such output"),
        ("w*", "", "the job has no such output"),
    ]


def test_two_outputs_do_not_go_to_the_same_place() -> None:
    inside: Any = {"storage": "default", "folder": "assets/{job.id}/web"}

    found = planned(("web/*", WEB), ("48.png", inside), names=["48.png", "web/48.png"])

    assert [(one[0], bool(one[2])) for one in found] == [("web/48.png", False), ("48.png", True)]


@pytest.mark.parametrize("orders", [None, {}, 7, "x"])
def test_orders_that_are_no_list_deliver_nothing(orders: object) -> None:
    assert list(plan("j", orders, ["a"])) == []


@pytest.mark.parametrize(
    "folder",
    [
        "assets", "", None, "/x/{job.id}", "../{job.id}", "{job.id}/../x", "{job.id}/{name}",
        "{job.id}//x", "a\\{job.id}",
    ],
)  # fmt: skip
def test_a_folder_that_is_shared_or_leads_elsewhere_is_refused(folder: object) -> None:
    with pytest.raises(InvalidDelivery):
        check_folder("a", folder)


def test_a_folder_may_end_with_a_slash() -> None:
    assert check_folder("a", "assets/{job.id}/") == "assets/{job.id}"


def test_a_pattern_is_a_name_and_that_of_a_field_has_no_wildcard() -> None:
    assert check_pattern("web/*", ToStorage("default", "{job.id}")) == "web/*"
    with pytest.raises(InvalidDelivery, match="takes one file"):
        check_pattern("web/*", ToField(object(), "thumbnail"))
    with pytest.raises(InvalidName):
        check_pattern("../a", ToStorage("default", "{job.id}"))


def test_the_name_for_a_field_is_that_of_its_delivery_and_has_only_the_suffix_of_the_output() -> (
    None
):
    name = field_name("j", 0, "web/evil name.png")

    assert name == field_name("j", 0, "other.png")
    assert name != field_name("j", 1, "web/evil name.png")
    assert name.endswith(".png")
    assert "evil" not in name


def test_pauses_grow_to_an_hour_and_end() -> None:
    assert [pause(one) for one in (1, 2, 3)] == [10.0, 20.0, 40.0]
    assert pause(FAILURES_MAX - 1) == 3_600.0
    assert pause(FAILURES_MAX) is None


def test_a_large_file_is_kept_from_others_for_longer() -> None:
    assert lease(0) == 60.0
    assert lease(1 << 30) == 60.0 + 1024
