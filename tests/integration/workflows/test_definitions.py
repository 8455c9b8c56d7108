"""Definitions of workflows: found in installed apps, each name once."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.module_loading import autodiscover_modules

from offload.core.exceptions import ConfigurationError, InvalidTopic, UnknownWorkflow
from offload.workflows import definition, definitions, step, workflow
from tests.integration.workflows.sums import totals


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let every test define what it likes, beside what the installed apps define."""
    autodiscover_modules(*definitions.WORKFLOW_MODULES)
    found: dict[str, Any] = dict(definitions.defined)
    monkeypatch.setattr(definitions, "defined", found)
    return found


def test_a_definition_is_found_in_an_installed_app() -> None:
    found = definition("dam/update-asset")

    assert found.build.__module__ == "project.dam.workflow"


def test_an_unknown_workflow_names_those_there_are() -> None:
    workflow("totals")(totals)

    with pytest.raises(UnknownWorkflow, match=r"There are: .*totals"):
        definition("total")


def test_a_name_is_defined_once() -> None:
    workflow("totals")(totals)
    workflow("totals")(totals)

    with pytest.raises(ConfigurationError, match="rename one"):
        workflow("totals")(lambda: totals())
    with pytest.raises(InvalidTopic):
        workflow("no name")


def test_what_is_no_function_defines_no_workflow() -> None:
    with pytest.raises(ConfigurationError, match=r"Write @workflow\('report/whole'\)"):
        workflow(lambda: step("a/b"))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="it is no function"):
        workflow("tests/step")(step("a/b"))
