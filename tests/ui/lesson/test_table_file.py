"""Tables and texts from files: every good one is read exactly, every bad one is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.ui.lesson.table_file import (
    TableError,
    TableShape,
    decode_text,
    parse_table,
    read_table,
    read_text,
)

PLANE = TableShape(columns=2, low=-6, high=6, at_most=4)


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n",
        "x,y\n1,2\n3,4",
        "1;2\r\n3;4\r\n",
        "1\t2\n3\t4",
        "1 2\n\n# a remark\n  3   4 ",
        '"1","2"\n"3","4"',
        "\n\nx y\n1 2\n3 4",
    ],
)
def test_reads_every_usual_form(text: str) -> None:
    assert parse_table(text, PLANE) == ((1.0, 2.0), (3.0, 4.0))


def test_semicolons_allow_decimal_commas_and_the_true_minus() -> None:
    assert parse_table("1,5;−2,25\n", PLANE) == ((1.5, -2.25),)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no data"),
        ("x,y\n", "only a heading"),
        ("1,2\n3\n", "Line 2 has 1 columns; 2 are needed"),
        ("1,2\n3,x\n", "Line 2, column 2: “x” is not a number"),
        ("1,2\n\n3,\n", "Line 3, column 2"),
        ("1,2\n3,nan\n", "column 2"),
        ("1,2\n3,inf\n", "column 2"),
        ("1,2\n3,1_0\n", "column 2"),
        ("1,2\n3,7\n", "7 is outside -6 to 6"),
        ("1,1\n" * 5, "5 rows"),
    ],
)
def test_says_where_and_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(TableError) as caught:
        parse_table(text, PLANE)
    assert says in caught.value.message.en
    assert caught.value.hint.zh
    assert caught.value.hint.en


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(TableError, match="cannot be opened"):
        read_table(path, PLANE)
    path.write_bytes("1,2\n好,3".encode("gb18030"))
    with pytest.raises(TableError, match=r"not UTF-8 \(line 2\)"):
        read_table(path, PLANE)
    path.write_bytes(b"1,2\n\x00")
    with pytest.raises(TableError, match="not a text file"):
        read_table(path, PLANE)
    path.write_bytes(b"1" * 100)
    with pytest.raises(TableError, match="too large"):
        read_text(path, largest_bytes=99)
    path.write_bytes(b"\xef\xbb\xbf1,2")
    assert read_table(path, PLANE) == ((1.0, 2.0),)


@given(st.binary(max_size=300))
def test_any_bytes_give_rows_or_one_clear_error(data: bytes) -> None:
    problem: TableError | None = None
    try:
        rows = parse_table(decode_text(data), PLANE)
        assert all(len(row) == 2 and all(-6 <= value <= 6 for value in row) for row in rows)
    except TableError as error:
        problem = error
    assert problem is None or (problem.message.zh.endswith("。") and problem.message.en)


@given(
    st.lists(
        st.tuples(st.floats(-6, 6, allow_nan=False), st.floats(-6, 6, allow_nan=False)),
        min_size=1,
        max_size=4,
    ),
    st.sampled_from([",", ";", "\t", " "]),
)
def test_what_was_written_is_what_is_read(rows: list[tuple[float, float]], delimiter: str) -> None:
    text = "\n".join(delimiter.join(repr(value) for value in row) for row in rows)
    assert parse_table(text, PLANE) == tuple(rows)
