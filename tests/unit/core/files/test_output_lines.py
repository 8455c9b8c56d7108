from __future__ import annotations

from offload.core.files.output_lines import LAST_LINES, LINE_MAX, Lines


def test_lines_come_whole_however_they_are_cut() -> None:
    lines = Lines()

    found = [
        *lines.feed(b"frame 1\rframe 2\r\nhal"),
        *lines.feed("f of ü".encode()[:-1]),
        *lines.feed("ü".encode()[1:] + b"\n\n"),
        *lines.feed(b"the end"),
        *lines.end(),
    ]

    assert found == ["frame 1", "frame 2", "half of ü", "the end"]
    assert list(lines.last) == found
    assert list(lines.end()) == []


def test_a_line_without_an_end_is_cut_and_the_next_one_is_whole() -> None:
    lines = Lines()
    for _ in range(100):
        assert list(lines.feed(b"x" * 10_000)) == []

    assert list(lines.feed(b"y\nshort\n")) == ["x" * LINE_MAX, "short"]


def test_of_a_chunk_only_the_last_lines_may_be_read() -> None:
    lines = Lines()
    chunk = b"".join(b"%d\n \n" % number for number in range(1000))

    found = [*lines.feed_last(b"begun " + chunk + b"un"), *lines.feed_last(b"til\n")]

    assert found == [*(str(number) for number in range(1000 - LAST_LINES, 1000)), "until"]
    assert list(lines.last) == found[1:]


def test_only_the_last_lines_are_kept() -> None:
    lines = Lines()
    list(lines.feed(b"".join(b"%d\n" % number for number in range(1000))))

    assert list(lines.last) == [str(number) for number in range(1000 - LAST_LINES, 1000)]


def test_colours_and_control_characters_are_left_out() -> None:
    found = list(Lines().feed(b"\x1b[31mred\x1b[0m \x00\x07alarm \xff\n"))

    assert found == ["red alarm \ufffd"]
