"""The command as a whole: options, exit codes, colours, and problems of its environment."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from rich.console import Console

from offload.management.commands.offload import Command
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verbs import VERBS
from tests.databases import SQLITE
from tests.integration.world import waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import Settings

    from tests.integration.shells import Shell

    Said = Callable[..., str]

pytestmark = pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)


class Screen(StringIO):
    """A terminal, as far as programs ask."""

    def isatty(self) -> bool:
        return True


def test_exit_codes_tell_what_happened(
    shell: Shell,
) -> None:
    assert shell("offload", "submit", "dam/web", "--timeout", "0").returncode == 2
    refused = shell("offload", "explain", "dam//web")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("CommandError: 'dam//web' is not a topic")
    done = shell("offload", "status", "--json", "--settings", "project.settings")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"waiting": 1' in done.stdout
    assert shell("offload", "nonsense").returncode == 2
    doctor = shell("offload", "doctor")
    assert doctor.returncode == 1
    assert "fail  broker" in doctor.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = Command().create_parser("manage.py", "offload")
    with pytest.raises(SystemExit) as caught:
        parser.parse_args([verb, "--help"])
    assert caught.value.code == 0
    assert VERBS[verb].help.split()[0] in capsys.readouterr().out


def test_a_verb_is_required(said: Said) -> None:
    with pytest.raises(CommandError, match="VERB"):
        said()


def test_json_may_be_asked_for_before_the_verb(said: Said) -> None:
    assert said("--json", "topics") == said("topics", "--json") == "[]\n"


def test_options_are_not_abbreviated(said: Said) -> None:
    with pytest.raises(CommandError, match="unrecognized arguments: --for"):
        said("status", "--for")


def test_colours_are_for_terminals_that_want_them(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    waiting()
    assert "\x1b[" not in said("jobs")
    assert "\x1b[33mPENDING" in said("jobs", to=Screen())
    assert "\x1b[" not in said("jobs", "--no-color", to=Screen())
    assert "\x1b[" not in said("--no-color", "jobs", to=Screen())
    assert "\x1b[33mPENDING" in said("jobs", "--force-color")
    assert "\x1b[" not in said("jobs", "--json", to=Screen())


def test_ids_are_whole_where_no_terminal_limits_the_width(said: Said) -> None:
    (job_id,) = waiting(topic="/".join(["segment"] * 20))
    assert job_id in said("jobs")


def test_a_narrow_terminal_folds_long_texts_and_not_ids(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    (job_id,) = waiting(topic="/".join(["segment"] * 20))
    told = said("jobs")
    assert f"…{job_id[-12:]} " in told
    assert max(map(len, told.splitlines())) <= 80


def test_wrong_settings_stop_every_verb_but_the_doctor(said: Said, settings: Settings) -> None:
    settings.OFFLOAD = {**settings.OFFLOAD, "HARTBEAT": 3}
    with pytest.raises(CommandError, match=r'offload\.E001: .* Write "HEARTBEAT"\.'):
        said("status")
    out = StringIO()
    with pytest.raises(CommandError, match="keep the site from working"):
        call_command("offload", "doctor", stdout=out)
    assert "Nothing else was examined" in out.getvalue()


def test_a_database_that_fails_is_an_error_with_the_next_step(
    said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise DatabaseError("disk I/O error")

    monkeypatch.setattr("offload.management.verbs.topics.overview", broken)
    with pytest.raises(CommandError, match=r"disk I/O error\. 'manage\.py offload doctor'"):
        said("topics")


def test_tables_that_are_missing_are_an_error_with_the_remedy(
    shell: Shell,
) -> None:
    assert shell("migrate", "offload", "zero", "--verbosity=0").returncode == 0
    refused = shell("offload", "jobs")
    assert refused.returncode == 1
    assert "Tables are missing or old" in refused.stderr
    assert "Run: manage.py migrate --database default" in refused.stderr


def test_a_database_that_is_away_is_all_that_is_said(
    shell: Shell,
) -> None:
    away = {"OFFLOAD_DATABASE": "postgresql://nobody@127.0.0.1:1/nothing"}
    refused = shell("offload", "status", **away)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "The database 'default' does not answer: " in refused.stderr
    assert 'Start it, or correct DATABASES["default"].' in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Return the exit code and the error of a command line that is refused."""
    with pytest.raises(SystemExit) as caught:
        Command().run_from_argv(["manage.py", "offload", *arguments])
    told = capsys.readouterr()
    assert told.out == ""
    assert isinstance(caught.value.code, int)
    return caught.value.code, told.err


def test_errors_are_json_where_answers_are(capsys: pytest.CaptureFixture[str]) -> None:
    def refusal(*arguments: str) -> dict[str, object]:
        code, told = refused(capsys, *arguments, "--json")
        facts: dict[str, object] = json.loads(told)
        assert facts["exit_code"] == code
        return facts

    unknown = refusal("job", "nothing")
    assert (unknown["type"], unknown["exit_code"]) == ("UnknownJob", 1)
    assert "There is no job 'nothing'" in str(unknown["error"])
    misspelt = refusal("stauts")
    assert (misspelt["type"], misspelt["exit_code"]) == ("Misspelled", 2)
    assert "Did you mean 'status'?" in str(misspelt["error"])
    assert refusal("jobs", "--limit", "0")["exit_code"] == 2
    assert refusal("stop")["exit_code"] == 1
    assert refusal("queues", "add", "slow", "dam/**", "--limit", "0")["type"] == "Misspelled"


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("stauts", "there is no verb 'stauts'. Did you mean 'status'?"),
        ("instance", "Did you mean 'instances'?"),
        ("xyzzy", "'manage.py offload --help' lists them"),
    ],
)
def test_a_misspelt_verb_is_answered_with_the_nearest(said: Said, verb: str, told: str) -> None:
    with pytest.raises(CommandError, match=re.escape(told)):
        said(verb)


@pytest.mark.parametrize(
    ("words", "usage"),
    [
        ("on ops@a --for 5m", "on"),
        ("jobs --limit 0", "jobs"),
        ("status now", "status"),
        ("queues suspend slow --limit 2", "queues suspend"),
        ("queues set slow --limit x", "queues set"),
    ],
)
def test_a_wrong_option_is_answered_with_the_usage_of_its_verb(
    capsys: pytest.CaptureFixture[str], words: str, usage: str
) -> None:
    code, told = refused(capsys, *words.split())

    assert code == 2
    assert f" offload {usage} [-h]" in told.splitlines()[0]
    assert "VERB" not in told


def test_tables_leave_empty_columns_out_and_put_numbers_to_the_right() -> None:
    out = StringIO()
    terminal = Terminal(console=Console(file=out, width=60), as_json=False)
    rows = [("a", "", 5, sanitized("x")), ("b", None, 50, sanitized("y"))]
    terminal.show(table(("name", "none", "count", "text"), rows))
    assert [line.split() for line in out.getvalue().splitlines()] == [
        ["name", "count", "text"],
        ["a", "5", "x"],
        ["b", "50", "y"],
    ]
    assert "    5  x" in out.getvalue()
