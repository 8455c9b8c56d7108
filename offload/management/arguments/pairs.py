"""``key=value`` on the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable


def pairs(option: str, given: Iterable[str]) -> dict[str, str]:
    """Return the pairs of an option; raise CommandError for an invalid or repeated one."""
    found: dict[str, str] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise CommandError(
                f"{option} {text!r:.100} is not key=value. Write: {option} key=value"
            )
        if key in found:
            raise CommandError(f"{option} {key:.100}=… is given twice. Leave one out.")
        found[key] = value
    return found


def properties(given: Iterable[str], whole: str | None) -> dict[str, Any]:
    """Return the properties of a JSON object, overridden by single ones.

    A single value is JSON if it can be read as such, else text. Raise CommandError unless the
    object is a JSON object that is not nested too deeply.
    """
    single = {key: value(text) for key, text in pairs("--set", given).items()}
    return {**_object(whole), **single}


def value(text: str) -> Any:
    """Return the value of JSON, and any other text, such as NaN or Infinity, as text."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return text
    except RecursionError as error:
        raise CommandError(f"{text!r:.60}… is nested too deeply. {EXAMPLE}") from error


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _object(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CommandError(f"--json-properties is not JSON: {error}. {EXAMPLE}") from error
    except RecursionError as error:
        raise CommandError(f"--json-properties is nested too deeply. {EXAMPLE}") from error
    if not isinstance(found, dict):
        raise CommandError(f"--json-properties is not a JSON object. {EXAMPLE}")
    return found


EXAMPLE = """Write: --json-properties '{"width": 1280}'"""
