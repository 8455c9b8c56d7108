"""Any input of a parser, a form, a verb or a URL is accepted, or refused with a message."""

from __future__ import annotations

import argparse
from argparse import ArgumentTypeError
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from offload.admin.launchers import LauncherForm
from offload.admin.queues import QueueForm
from offload.admin.rules import RuleForm, SwitchForm
from offload.conf import parse
from offload.core import tokens
from offload.core.exceptions import OffloadError
from offload.core.progress import Progress
from offload.core.topics import Pattern, validate_topic
from offload.core.validation import ids, options
from offload.core.validation.filenames import check_file_name
from offload.core.validation.job_properties import check_properties
from offload.files import payloads
from offload.management.arguments import pairs, times
from offload.management.verbs import VERBS
from offload.models.queueing.queue_validators import validate_patterns

if TYPE_CHECKING:
    from collections.abc import Callable

#: The documented errors.
DOCUMENTED = (OffloadError, ArgumentTypeError, CommandError, ValidationError)

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters()), st.binary(),
    st.decimals(), st.datetimes(), st.timedeltas(), st.uuids(),
)  # fmt: skip
KEYS = st.one_of(st.none(), st.integers(), st.text(st.characters()))
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner),
    max_leaves=8,
)
#: Texts that somebody may write: of every character, and of those that mean something here.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from("*/-_.=,:;%?[]{}\"' \0\n09az\u202e\ud800"), max_size=30),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["", "**", "a/*", "1h30m", "9" * 400, "[" * 5000, "x" * 3000, "--", "-1"]),
)

PARSERS: dict[str, Callable[[Any], object]] = {
    "topic": validate_topic,
    "pattern": Pattern.parse,
    "patterns": validate_patterns,
    "file name": check_file_name,
    "files": payloads.check,
    "properties": lambda value: check_properties(value, 10_000),
    "token": tokens.read,
    "id": ids.id_of,
    "delay": options.check_delay,
    "timeout": options.check_timeout,
    "priority": options.check_priority,
    "ranking": options.check_ranking,
    "progress": lambda value: (Progress.read(value), Progress.of(value, value, value)),
}
TEXT_PARSERS: dict[str, Callable[[str], object]] = {
    "duration": times.duration,
    "value": pairs.value,
    "pairs": lambda text: pairs.pairs("--set", [text, text]),
    "properties": lambda text: pairs.properties([f"a={text}"], text),
}

#: How many examples are tried of what takes a page or a command: more where there is time.
EXAMPLES = pytest.mark.parametrize("examples", [8, pytest.param(100, marks=pytest.mark.long)])


def try_out(examples: int, check: Callable[..., None], **drawn: st.SearchStrategy[Any]) -> None:
    """Check so many examples of what is drawn."""
    settings(max_examples=examples, deadline=None)(given(**drawn)(check))()


def refusal(call: Callable[[], object]) -> str:
    """Return the message of a refusal, or nothing if the value is accepted."""
    try:
        call()
    except DOCUMENTED as error:
        return str(error)
    return ""


@pytest.mark.parametrize("parser", PARSERS.values(), ids=PARSERS)
@given(value=ANYTHING)
@settings(deadline=None)
def test_a_parser_takes_a_value_or_says_why_not(
    parser: Callable[[Any], object], value: Any
) -> None:
    assert len(refusal(lambda: parser(value))) < 3000


@pytest.mark.parametrize("parser", [*PARSERS.values(), *TEXT_PARSERS.values()])
@given(text=TEXTS)
@settings(deadline=None)
def test_a_parser_takes_a_text_or_says_why_not(parser: Callable[[Any], object], text: str) -> None:
    assert len(refusal(lambda: parser(text))) < 3000


@given(given_=st.dictionaries(st.sampled_from(["RETRIES", "LABELS", "x"]) | TEXTS, TEXTS))
@settings(deadline=None)
def test_settings_are_read_or_refused(given_: dict[str, str]) -> None:
    assert len(refusal(lambda: parse(given_))) < 3000


#: Text that a browser may have sent, as Django decodes it, so without lone surrogates.
SENT = TEXTS.map(lambda text: text.encode(errors="replace").decode())
FORMS: dict[str, Any] = {
    "queue": QueueForm, "rule": RuleForm, "switch": SwitchForm, "launcher": LauncherForm,
}  # fmt: skip
NAMES = sorted({name for form in FORMS.values() for name in form.base_fields})


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@EXAMPLES
def test_a_form_stores_what_is_written_or_says_why_not(db: None, form: Any, examples: int) -> None:
    def check(data: dict[str, str]) -> None:
        filled = form(data)
        if filled.is_valid():
            filled.save()
        else:
            assert filled.errors

    try_out(examples, check, data=st.fixed_dictionaries(dict.fromkeys(NAMES, SENT)))


#: Those that wait for something or end it are left out, as is what looks at real servers.
CALLED = sorted({*VERBS} - {"broker", "doctor"})


def options_of(verb: str) -> list[str]:
    """Return the options that a verb has."""
    parser = argparse.ArgumentParser()
    VERBS[verb].arguments(parser)
    found = [name for action in parser._actions for name in action.option_strings]
    return sorted(set(found) - {"-h", "--help", "--follow", "--wait", "--timeout", "--file"})


@pytest.mark.parametrize("verb", CALLED)
@EXAMPLES
@pytest.mark.usefixtures("app", "database_alias")
def test_a_verb_does_what_is_asked_or_says_why_not(verb: str, examples: int) -> None:
    known = options_of(verb)
    words = st.one_of(TEXTS, st.sampled_from(known)) if known else TEXTS

    def check(arguments: list[str]) -> None:
        told = refusal(lambda: call_command("offload", verb, *arguments, stdout=StringIO()))
        # The arguments themselves may stand in it once.
        assert len(told) < 3000 + sum(map(len, arguments))

    try_out(examples, check, arguments=st.lists(words, max_size=5))


ADDRESSES = (
    "app_list", "offload_instance_matrix", "offload_instance_fleet", "offload_job_changelist",
    "offload_queue_changelist", "offload_rule_changelist", "offload_attempt_changelist",
)  # fmt: skip
PARAMETERS = (
    "q", "p", "o", "e", "v", "state", "state__exact", "topic", "instance", "page", "across", "cell",
    "problems", "look", "text", "paused", "all", "_popup", "id__in", "created_at__gte",
)  # fmt: skip


@pytest.mark.parametrize("name", ADDRESSES)
@EXAMPLES
def test_an_address_is_answered(db: None, name: str, examples: int) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("b"))
    place = reverse(f"admin:{name}", args=["offload"] if name == "app_list" else [])

    def check(query: dict[str, str]) -> None:
        text = "&".join(f"{key}={quote(value, errors='replace')}" for key, value in query.items())
        assert client.get(f"{place}?{text}").status_code < 500

    check({"p": "9" * 400})
    drawn = st.dictionaries(st.sampled_from(PARAMETERS), TEXTS, max_size=3)
    try_out(examples, check, query=drawn)
