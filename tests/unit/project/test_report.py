from __future__ import annotations

import io

from rich.console import Console

from project.demo import report
from project.demo.row import Row

DONE = Row(
    file="100%[x] *.png",
    topic="dam/rendition/thumbnail",
    instance="thumbs@demo",
    state="SUCCEEDED",
    error="",
    seconds=0.034,
    bytes=3300,
    sha256="f61f082b54d0" + "0" * 52,
    path="var/demo/outputs/001-100_x_.png/thumbnail.48.png",
    width=48,
    height=32,
)
REFUSED = Row(
    file="torn.jpg", topic="dam/metadata", instance="web@demo", state="ERROR", error="It is torn"
)


def printed(rows: list[Row], width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    for line in report.listing(rows):
        console.print(line, soft_wrap=True, highlight=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_narrow_terminal_gets_every_fact_whole() -> None:
    text = printed([DONE, REFUSED], 80)
    for fact in ("100%[x] *.png", DONE.topic, DONE.instance, "0.03 s", "3.3 kB", "48 x 32"):
        assert fact in text
    assert "f61f082b54d0" in text
    assert str(DONE.path) in text
    assert "ERROR: It is torn" in text


def test_lines_fit_a_terminal_of_eighty_columns() -> None:
    assert max(map(len, printed([DONE, REFUSED], 80).splitlines())) <= 80


def test_a_file_is_named_once_above_its_steps() -> None:
    assert printed([DONE, DONE, REFUSED], 80).count("100%[x] *.png") == 1
