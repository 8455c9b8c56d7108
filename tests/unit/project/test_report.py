from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from project.demo import report
from project.demo.row import Row

DONE = Row(
    file="100%[x] *.png",
    topic="dam/rendition/thumbnail",
    cluster="render",
    instance="thumbs@demo",
    state="SUCCEEDED",
    error="",
    seconds=0.034,
    bytes=3300,
    sha256="f61f082b54d0" + "0" * 52,
    path="var/demo/outputs/001-100_x_.png/thumbnail.48.png",
    width=48,
    height=32,
    transport="http",
    bytes_sent=142_808,
    bytes_saved=512,
)
REFUSED = Row(
    file="torn.jpg",
    topic="dam/metadata",
    cluster="",
    instance="",
    state="ERROR",
    error="It is torn",
)


def printed(rows: list[Row], width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    for line in report.listing(rows):
        console.print(line, soft_wrap=True, highlight=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_narrow_terminal_gets_every_fact_whole() -> None:
    text = printed([DONE, REFUSED], 80)
    for fact in (
        "100%[x] *.png",
        DONE.topic,
        "render/thumbs@demo",
        "0.03 s",
        "3.3 kB",
        "48 x 32",
        "by http: 142.8 kB sent, 512 bytes saved",
    ):
        assert fact in text
    assert "f61f082b54d0" in text
    assert str(DONE.path) in text
    assert "ERROR: It is torn" in text


def test_lines_fit_a_terminal_of_eighty_columns() -> None:
    assert max(map(len, printed([DONE, REFUSED], 80).splitlines())) <= 80


def test_a_file_is_named_once_above_its_steps() -> None:
    text = printed([DONE, DONE, REFUSED, replace(DONE, file="b", went="whole")], 80)
    assert text.count("100%[x] *.png, by steps\n") == 1
    assert "b, whole\n" in text


def test_what_went_between_the_sites_is_summed_up() -> None:
    assert report.transfers([DONE, DONE, REFUSED]) == (
        "Between the sites: 285.6 kB sent by http, and 1.0 kB saved "
        "because they were there already."
    )


def test_it_is_said_how_many_runs_went_whole() -> None:
    assert report.ways([DONE, DONE, REFUSED, replace(DONE, file="b", went="whole")]) == (
        "Launchers started every run: 1 went whole to the other site, 2 step by step."
    )


def test_the_table_says_which_site_ran_what() -> None:
    console = Console(file=io.StringIO(), width=report.TABLE_COLUMNS)
    console.print(report.table([DONE]))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "render/thumbs@demo" in text
    assert "142.8 kB" in text
    assert "by steps" in text
