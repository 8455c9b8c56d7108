from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.transfers import file_batches
from offload.core.transfers.file_batches import BatchedFile, MalformedBatch

FILES = st.lists(
    st.builds(
        BatchedFile,
        grant=st.text("AZaz09_:-", min_size=1, max_size=40),
        content=st.binary(max_size=60),
    ),
    max_size=5,
)


@given(files=FILES)
def test_what_was_written_is_read(files: list[BatchedFile]) -> None:
    assert list(file_batches.read(file_batches.written(files))) == files


@given(files=FILES, data=st.data())
def test_a_body_that_was_cut_has_the_files_that_are_whole(
    files: list[BatchedFile], data: st.DataObject
) -> None:
    body = file_batches.written(files)
    cut = data.draw(st.integers(0, len(body)))

    found = list(file_batches.read(body[:cut]))

    assert found == files[: len(found)]
    assert len(file_batches.written(files[: len(found) + 1])) > cut or found == files


@pytest.mark.parametrize(
    "body",
    [
        b"no size\nx",
        b"grant 1x\nx",
        b"../../etc/passwd 1\nx",
        b"grant -1\nx",
        b"grant 65537\n" + b"x" * 65_537,
        b"grant 9999999\n",
        b"\n",
        b"x" * file_batches.LINE_MAX,
        "grant \u0661\nx".encode(),
    ],
)
def test_what_no_batch_has_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBatch):
        list(file_batches.read(body))


@given(body=st.binary(max_size=300))
def test_any_bytes_are_files_or_refused(body: bytes) -> None:
    try:
        found = list(file_batches.read(body))
    except MalformedBatch:
        return
    assert body.startswith(file_batches.written(found))


@given(sizes=st.lists(st.integers(0, file_batches.FILE_BYTES_MAX), max_size=300))
def test_groups_fit_into_a_body_and_keep_the_order(sizes: list[int]) -> None:
    groups = list(file_batches.grouped((number, size) for number, size in enumerate(sizes)))

    assert [one for group in groups for one in group] == list(range(len(sizes)))
    for group in groups:
        assert 0 < len(group) <= file_batches.FILES_MAX
        assert sum(sizes[one] for one in group) <= file_batches.CONTENT_BYTES_MAX
    assert file_batches.BODY_BYTES_MAX < 1 << 20
