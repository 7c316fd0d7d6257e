"""Reading files: delimiters, encodings, missing cells, and the rule that decides types."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from minimand.workbench.tables import MISSING_MARKERS, bundled_names, from_columns, read_table


def read(tmp_path, content: str | bytes, name: str = "a.csv", **options):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, **options)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path, delimiter):
    table = read(tmp_path, "a,b,c\n1,x,2\n3,y z,4\n".replace(",", delimiter))
    assert list(table.columns) == ["a", "b", "c"]
    assert table.columns["a"].tolist() == [1, 3]
    assert table.columns["b"].tolist() == ["x", "y z"]


def test_commas_inside_cells_do_not_win_over_semicolons(tmp_path):
    table = read(tmp_path, "1,5;2,5;p\n3,5;4,5;q\n", header=False)
    assert list(table.columns) == ["0", "1", "2"]


def test_line_ends_of_every_system_and_mixed(tmp_path):
    for ends in ("\n", "\r\n", "\r"):
        assert read(tmp_path, f"a,b{ends}1,2{ends}3,4{ends}").columns["b"].tolist() == [2, 4]
    assert read(tmp_path, "a,b\r\n1,2\n3,4\r\n").columns["b"].tolist() == [2, 4]


def test_quotes_blank_lines_and_missing_line_end(tmp_path):
    table = read(tmp_path, 'a,b\n"x, ""y""",1\n\n"two\nlines",2')
    assert table.columns["a"].tolist() == ['x, "y"', "two\nlines"]
    assert table.columns["b"].tolist() == [1, 2]


def test_byte_order_mark_is_not_part_of_the_first_name(tmp_path):
    assert list(read(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n").columns) == ["a", "b"]
    table = read(tmp_path, b"\xef\xbb\xbf7,2\n1,3\n", header=False)
    assert table.columns["0"].tolist() == [7, 1]


def test_latin_1_is_read_and_said(tmp_path):
    table = read(tmp_path, "name,b\nJosé,1\n".encode("latin-1"))
    assert table.columns["name"].tolist() == ["José"]
    assert any("latin-1" in note for note in table.notes)


def test_digest_is_of_the_bytes(tmp_path):
    assert read(tmp_path, "a,b\n1,2\n").sha256 == hashlib.sha256(b"a,b\n1,2\n").hexdigest()


def test_cells_lose_blanks_and_single_quotes_only_around_them(tmp_path):
    table = read(tmp_path, "a,b,c\n  x ,'-1',' y '\n0,'1',it's\n'',''x'',u00a0\n")
    assert table.columns["a"].tolist() == ["x", "0", None]
    assert table.columns["b"].tolist() == ["-1", "1", "'x'"]
    assert table.columns["c"].tolist() == ["y", "it's", "u00a0"]


def test_numbers_survive_the_trimming(tmp_path):
    # a set of blanks with a stray "0" in it would turn 100 into 1 and 0 into a missing cell.
    table = read(tmp_path, "a\n0\n100\n0.0\n-0\n 10 \n", header=True)
    assert table.columns["a"].tolist() == [0, 100, 0, 0, 10]


@pytest.mark.parametrize("marker", MISSING_MARKERS)
def test_markers_are_missing_among_numbers_and_text(tmp_path, marker):
    table = read(tmp_path, f"a,b,c\n1.5,x,1\n{marker},{marker},2\n-2e3,y, {marker} \n")
    np.testing.assert_array_equal(table.columns["a"], [1.5, np.nan, -2000.0])
    assert table.columns["b"].tolist() == ["x", None, "y"]
    np.testing.assert_array_equal(table.columns["c"], [1, 2, np.nan])


@pytest.mark.parametrize("marker", MISSING_MARKERS)
def test_only_empty_cells_and_question_marks_are_missing_labels(tmp_path, marker):
    table = read(tmp_path, f"a,b\n1,x\n{marker},{marker}\n")
    kept = None if marker in ("", "?") else marker
    assert table.labels("a").tolist() == ["1", kept]
    assert table.labels("b").tolist() == ["x", kept]


CELLS = [
    "1",
    "-1.5",
    "+2",
    ".5",
    "5.",
    "1e5",
    "1E-3",
    "007",
    "1_000",
    "0x1F",
    "1,5",
    "1e",
    "-",
    "NAN",
    "nan",
    "+nan",
    "inf",
    "1e999",
    "Infinity",
    "true",
    "٣",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "1e300",
    "123456789012345678901234567890",
    "9" * 60,
    "' 3 '",
    " 4 ",
    "1 000",
    "'",
    "''",
    "-nan",
    "<NA>",
    "1d",
    "0b1",
]


@pytest.mark.parametrize("cell", CELLS)
def test_files_and_memory_decide_types_alike(tmp_path, cell):
    """The rule is written twice, in SQL and in Python: this holds them together."""
    lines = ["a;b", "2;u", f"{cell};v", "3;w"]
    from_file = read(tmp_path, "\n".join(lines) + "\n").columns["a"]
    from_memory = from_columns({"a": ["2", cell, "3"]}).columns["a"]
    assert from_file.dtype == from_memory.dtype
    assert list(map(str, from_file.tolist())) == list(map(str, from_memory.tolist()))


def test_whole_numbers_above_2_to_the_53_are_not_rounded(tmp_path):
    table = read(tmp_path, "a,b\n9007199254740993,1\n9007199254740992,2.5\n")
    assert table.columns["a"].tolist() == ["9007199254740993", "9007199254740992"]
    assert any("2^53" in note for note in table.notes)
    assert read(tmp_path, "a,b\n9007199254740992,1\n1e300,2\n").is_numeric("a")


def test_a_stray_word_in_a_column_of_numbers_is_said(tmp_path):
    rows = "".join(f"{row if row != 17 else 'oops'},x\n" for row in range(50))
    table = read(tmp_path, "a,b\n" + rows)
    assert not table.is_numeric("a")
    assert any("'a'" in note and "row 18" in note and "oops" in note for note in table.notes)


def test_rows_keep_their_order_in_a_file_that_is_read_in_parallel(tmp_path):
    n = 300_000
    table = read(tmp_path, "i,t\n" + "".join(f"{i},k{i % 7}\n" for i in range(n)))
    assert np.array_equal(table.columns["i"], np.arange(n))
    assert table.columns["t"][:9].tolist() == [f"k{i % 7}" for i in range(9)]
    assert table.columns["t"][-1] == f"k{(n - 1) % 7}"


def test_many_different_texts(tmp_path):
    n = 120_000  # more than are held as codes
    table = read(tmp_path, "t,y\n" + "".join(f"t{i},1\n" for i in range(n)) + "NA,1\n")
    assert table.columns["t"][n - 1] == f"t{n - 1}"
    assert table.columns["t"][n] is None


def test_columns_without_a_header_are_numbered(tmp_path):
    table = read(tmp_path, "a,b\n1,2\n", header=False)
    assert list(table.columns) == ["0", "1"]
    assert table.n_rows == 2
    assert table.resolve(-1, role="--target") == "1"
    assert table.resolve("0", role="--target") == "0"


def test_a_nameless_column_gets_a_name(tmp_path):
    table = read(tmp_path, ",b\n0,x\n1,y\n")
    assert list(table.columns) == ["column 0", "b"]
    assert any("no name" in note for note in table.notes)


def test_a_first_line_of_numbers_is_doubted(tmp_path):
    assert any("--no-header" in note for note in read(tmp_path, "1,2\n3,4\n").notes)


def test_twenty_thousand_columns_are_not_too_many_to_sniff(tmp_path):
    table = read(tmp_path, ",".join(f"c{i}" for i in range(300)) + "\n" + ",".join("1" for _ in range(300)) + "\n")
    assert len(table.columns) == 300


def test_parquet_types(tmp_path):
    import duckdb

    path = tmp_path / "a.parquet"
    duckdb.execute(
        "COPY (SELECT * FROM (VALUES "
        "(1, 1.5::DECIMAL(5,2), 'x ', true, 9007199254740993, DATE '2024-01-31', [1], 'nan', NULL::INT),"
        "(NULL, 2.5, '''y''', false, 5, DATE '2024-02-01', [2], 'NA', NULL)) "
        f"t(i, d, s, b, big, day, list, word, none)) TO '{path}' (FORMAT parquet)"
    )
    table = read_table(path)
    np.testing.assert_array_equal(table.columns["i"], [1, np.nan])
    assert table.columns["d"].tolist() == [1.5, 2.5]
    assert table.columns["s"].tolist() == ["x", "y"]
    assert table.columns["b"].tolist() == ["true", "false"]
    assert table.columns["big"].tolist() == ["9007199254740993", "5"]
    assert table.columns["day"].tolist() == ["2024-01-31", "2024-02-01"]
    assert "list" in table.unreadable
    assert table.labels("word").tolist() == ["nan", "NA"]
    assert np.isnan(table.columns["none"]).all()


def test_npz(tmp_path):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6, 2)).astype(np.float32)
    np.savez(tmp_path / "a.npz", data=X, labels=np.array(["p", "q", "p", "q", "nan", "q"]))
    table = read_table(tmp_path / "a.npz")
    assert list(table.columns) == ["0", "1", "labels"]
    assert table.target == "labels"
    np.testing.assert_array_equal(table.columns["1"], X[:, 1].astype(np.float64))
    assert table.labels("labels").tolist() == ["p", "q", "p", "q", "nan", "q"]


@pytest.mark.parametrize("name", bundled_names())
def test_bundled_sets_know_their_target(name):
    table = read_table(name)
    assert table.target in table.columns
    assert table.n_rows >= 150
    assert any("licence" in note for note in table.notes)
    assert table.sha256 == read_table(name).sha256


def test_a_file_called_like_a_bundled_set_wins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").mkdir()
    from minimand.errors import InputError

    with pytest.raises(InputError, match="folder"):
        read_table("iris")
