"""The page of the commands is made of the verbs' own help."""

from __future__ import annotations

import shlex
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError

from offload.management.commands.offload import Command
from offload.management.verbs import VERBS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def maker(root: Path) -> Any:
    """Return the module that makes the page."""
    spec = spec_from_file_location("commands_page", root / "docs/commands.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_says_what_the_verbs_do(maker: Any) -> None:
    assert maker.PAGE.read_text() == maker.rendered(), "Run: python docs/commands.py"


def test_every_example_can_be_read(maker: Any) -> None:
    assert set(maker.EXAMPLES) <= set(VERBS)
    for example in (one for many in maker.EXAMPLES.values() for one in many):
        parser = Command().create_parser("manage.py", "offload")
        assert parser.parse_args(shlex.split(example)).verb in VERBS


def test_what_the_readme_shows_can_be_read(root: Path) -> None:
    shown = [
        line.partition("#")[0].removeprefix("$ manage.py offload ")
        for line in (root / "README.md").read_text().splitlines()
        if line.startswith("$ manage.py offload ")
    ]
    assert len(shown) > 5
    for example in shown:
        parser = Command().create_parser("manage.py", "offload")
        assert parser.parse_args(shlex.split(example)).verb in VERBS


def test_only_verbs_that_a_command_line_names_are_made_ready() -> None:
    command = Command()
    command.words = ["manage.py", "offload", "jobs", "--limit", "3"]
    parser = command.create_parser("manage.py", "offload")

    assert parser.parse_args(command.words[2:]).limit == 3
    with pytest.raises(CommandError, match="unrecognized arguments: prune"):
        parser.parse_args(["payload", "prune"])
    assert "examine" in parser.format_help()
