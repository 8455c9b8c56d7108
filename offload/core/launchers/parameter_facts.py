"""Parameters of a launcher's runs: facts of the file stand for their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The names that stand for facts of the file.
FACTS = ("$path", "$folder", "$name", "$media_type")


def filled(parameters: Mapping[str, Any], path: str, media_type: str) -> dict[str, Any]:
    """Return the parameters with facts in place of the texts that are exactly such a name."""
    folder, _, name = path.rpartition("/")
    facts = dict(zip(FACTS, (path, folder, name, media_type), strict=True))
    return {key: _filled(value, facts) for key, value in parameters.items()}


def _filled(value: Any, facts: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return facts.get(value, value)
    if isinstance(value, list):
        return [_filled(one, facts) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, facts) for key, one in value.items()}
    return value
