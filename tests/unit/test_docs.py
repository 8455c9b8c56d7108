"""The documentation says what the code does."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING

import offload
import offload.launchers
import offload.testing
import offload.topology
import offload.workflows
from offload.conf import Settings

if TYPE_CHECKING:
    from pathlib import Path

ROW = re.compile(r"^\| `([A-Z_]+)` \| `([^`]*)` \| (.+) \|$", re.MULTILINE)


def test_every_setting_is_documented_with_its_default(root: Path) -> None:
    documented = {
        key: default for key, default, _ in ROW.findall((root / "docs/settings.md").read_text())
    }
    usual = Settings()
    declared = {field.name.upper(): getattr(usual, field.name) for field in fields(Settings)}

    assert documented.keys() == declared.keys()
    for key, default in declared.items():
        assert eval(documented[key]) == default, key  # noqa: S307 - our own page


def test_every_page_the_readme_links_to_is_there(root: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (root / "README.md").read_text())

    missing = [link for link in links if not (root / link).exists()]

    assert links
    assert not missing


def test_the_rooms_are_those_that_the_lint_contract_holds(root: Path) -> None:
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [one["layers"] for one in contracts["contracts"] if one["type"] == "layers"]
    table = re.findall(r"^\| (`.*?`) \|", (root / "docs/architecture.md").read_text(), re.MULTILINE)

    assert [row.replace("`", "").split(", ") for row in table] == [
        layer.split(" | ") for layer in layers
    ]


def test_the_files_that_the_architecture_names_are_there(root: Path) -> None:
    page = (root / "docs/architecture.md").read_text()
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", page)

    assert "tracking/claiming.py" in named
    assert [name for name in named if not (root / "offload" / name).exists()] == []


def test_the_variables_of_tests_and_measurements_are_listed_with_their_defaults(
    root: Path,
) -> None:
    read = re.compile(r'environ\.get\(\s*"((?:TEST|BENCH)_\w+)", "([^"]+)"')
    page = (root / "CONTRIBUTING.md").read_text()

    found = {
        (name, default)
        for file in (root / "tests").rglob("*.py")
        for name, default in read.findall(file.read_text())
    }

    assert len(found) == 5
    for name, default in found:
        assert re.search(rf"^\| `{name}` \| .* \| `{re.escape(default)}` \|$", page, re.MULTILINE)


def test_every_public_name_is_in_the_reference_once(root: Path) -> None:
    page = (root / "docs/reference.md").read_text()

    for home in (offload, offload.launchers, offload.testing, offload.topology, offload.workflows):
        section = page.split(f"currentmodule:: {home.__name__}\n")[1:]
        listed = [
            name
            for part in section
            for name in re.findall(r"^\.\. auto\w+:: (\w+)$", part.split("currentmodule")[0], re.M)
        ]
        assert sorted(listed) == sorted(home.__all__), home.__name__
