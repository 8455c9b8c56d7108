"""Odd values of every type that a column has."""

from __future__ import annotations

from datetime import UTC, datetime

LONG = "x" * 5000
TEXTS = (
    "", " ", "\x1b[31m\u202e\u2028\x85", "<script>&#0;%s{}{{x}}", "\U0001f600" * 30, "a/b/../c",
    LONG,
)  # fmt: skip
JSONS = (
    "null", "[]", "{}", "7", '"text"', "true", "[1,[2]]", '{"a":{"b":null}}', "1e999", "-0.0",
    '"\\ud800"', '"\\u0000"', "9" * 400, "[" * 300 + "]" * 300, "NaN", "{broken", "[" * 100_000,
    '[{"pattern":7},null,"x"]', '{"current":"x","total":[],"message":{}}',
    '{"current":1e308,"total":5e-324}', '{"__type__":"datetime","__value__":"x"}',
    '{"chain":7,"link":{},"chord":"x"}', '{"failing":[1]}', '{"rules":7,"version":"x","at":[]}',
)  # fmt: skip
NUMBERS = (0, 1, -1, 32_767, 2**31 - 1, 2**63 - 1)
FLOATS = (0.0, -1.0, 1e308, 5e-324, float("inf"), float("nan"))
TIMES = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
