from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.checks import properties

if TYPE_CHECKING:
    from pytest_django import Settings


def found(settings: Settings, **given: Any) -> list[tuple[str | None, str]]:
    settings.OFFLOAD = given
    told = properties.check()
    assert all(one.hint for one in told)
    return [(one.id, one.msg) for one in told]


@pytest.fixture(autouse=True)
def _usual(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OFFLOAD_LABELS", "OFFLOAD_CODE_VERSION"):
        monkeypatch.delenv(name, raising=False)


def test_labels_of_both_places_have_no_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLOAD_LABELS", "gpu, site=home")

    assert found(settings, LABELS=["site=lab"], CODE_VERSION="2026.11") == []


def test_e016_names_a_label_and_its_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLOAD_LABELS", "site=")

    assert found(settings, LABELS=["=lab"]) == [
        (
            "offload.E016",
            "OFFLOAD[\"LABELS\"]: The label '=lab' has the name '', which is not made of letters, "
            "digits, '.', '_' and '-'.",
        ),
        (
            "offload.E016",
            "OFFLOAD_LABELS in the environment: The label 'site=' has a name and no value.",
        ),
    ]


def test_e017_names_both_places_of_a_property(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLOAD_LABELS", "cpus=8")

    assert found(settings, LABELS=["host=a"]) == [
        (
            "offload.E017",
            "The property 'cpus' is given by offload itself and by OFFLOAD_LABELS in the "
            "environment. Rename all but one of them.",
        ),
        (
            "offload.E017",
            "The property 'host' is given by offload itself and by OFFLOAD[\"LABELS\"]. Rename "
            "all but one of them.",
        ),
    ]


def test_e018_says_that_a_version_is_too_long(settings: Settings) -> None:
    [(id_, message)] = found(settings, CODE_VERSION="v" * 300)

    assert id_ == "offload.E018"
    assert "300 characters, and 255 are allowed" in message


def test_settings_that_cannot_be_read_are_told_elsewhere(settings: Settings) -> None:
    assert found(settings, LABELS="gpu,") == []
