from __future__ import annotations

import csv
import gzip
import io
import sys
import warnings
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rrgraph.errors import DataError, DataWarning
from rrgraph.util.rows import ENTRY, count_rows, open_rows, parquet, sheets
from rrgraph.util.tabular import read_frame

NAMES = ("target", "formula")


def read(path, **options):
    with open_rows(path, **options) as rows:
        return rows.columns, list(rows)


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def found(rows):
    return [(row.line, list(row.cells.values()) if row.error is None else row.error) for row in rows]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_of_any_delimiter_encoding_and_line_end(tmp_path, delimiter, encoding, end):
    lines = [(" Target ", "note"), ("BaTiO3", "à la carte"), ("SrTiO3", "1.10")]
    text = end.join(delimiter.join(cells) for cells in lines)
    path = write(tmp_path, "t.csv", text.encode(encoding))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        columns, rows = read(path)
    assert columns == ("Target", "note")
    assert found(rows) == [(2, ["BaTiO3", "à la carte"]), (3, ["SrTiO3", "1.10"])]
    assert [warning.category for warning in caught] == ([DataWarning] if encoding == "cp1252" else [])


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("sep=;\na;b", ("a", "b")),
        ("# made by hand\n\na,b", ("a", "b")),
        ("#,target", ("#", "target")),
        ("# target,b", ("target", "b")),
        ('"a,b;c";d', ("a,b;c", "d")),
        ('"amount\n(g)",b', ("amount\n(g)", "b")),
        ("precursors, joined;target", ("precursors, joined", "target")),
        ("a,,a,", ("a", "column 2", "a.1", "column 4")),
    ],
)
def test_headers(tmp_path, header, columns):
    assert read(write(tmp_path, "t.csv", header + "\n1,2\n"), names=NAMES)[0] == columns


def test_rows_begin_on_the_lines_they_are_said_to(tmp_path):
    text = 'a,b\n1,2\n\n"x\ny",3\n# a comment\n4,"say ""hi"""\n#5,6\n7\n8,9,10\n'
    _, rows = read(write(tmp_path, "t.csv", text))
    assert found(rows) == [
        (2, ["1", "2"]),
        (4, ["x\ny", "3"]),
        (7, ["4", 'say "hi"']),
        (8, ["#5", "6"]),
        (9, ["7", ""]),
        (10, ["8", "9"]),
    ]
    assert rows[-1].surplus == ("10",)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('1,"x\n2,y\n3,z\n', [(2, None), (3, ["2", "y"]), (4, ["3", "z"])]),
        ('1,"x\n2,"y"\n3,z\n', [(2, None), (3, ["2", "y"]), (4, ["3", "z"])]),
        ('"1,x\n"2",y\n', [(2, None), (3, ["2", "y"])]),
        ('"1,x\n2,y"\n3,z\n', [(2, None), (3, ["2", 'y"']), (4, ["3", "z"])]),
        ('1,"x\n' + "2,y\n" * 60, [(2, None), *((line, ["2", "y"]) for line in range(3, 63))]),
        ('5" wide,x\n', [(2, ['5" wide', "x"])]),
    ],
)
def test_a_quote_that_is_never_closed_is_one_bad_row(tmp_path, text, lines):
    _, rows = read(write(tmp_path, "t.csv", "a,b\n" + text))
    assert found(rows) == [(line, cells or "a quote is not closed.") for line, cells in lines]
    assert all(row.text == text.splitlines()[0] for row in rows if row.error)


cells = st.text(alphabet=' ,;"\n\tab1.é#', max_size=6).map(lambda text: f"x{text}x")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6), delimiter=st.sampled_from(",;\t"))
def test_what_the_csv_module_writes_is_read_back(tmp_path, rows, delimiter):
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["a", "b", "c"])
    lines = []
    for row in rows:
        lines.append(stream.getvalue().count("\n") + 1)
        writer.writerow(row)
    _, back = read(write(tmp_path, "t.csv", stream.getvalue()))
    assert [tuple(row.cells.values()) for row in back] == rows
    assert [row.line for row in back] == lines


def test_text_is_a_list_unless_its_first_line_names_a_column(tmp_path):
    path = write(tmp_path, "t.txt", "# mine\n\nBaTiO3  # the usual\n TiO2, rutile\n")
    assert found(read(path, names=NAMES)[1]) == [(3, ["BaTiO3"]), (4, ["TiO2, rutile"])]
    assert read(path)[0] == (ENTRY,)
    table = write(tmp_path, "u.txt", "id\tFormula\n1\tBaTiO3\n")
    assert read(table, names=NAMES)[1][0].cells == {"id": "1", "Formula": "BaTiO3"}
    lines = write(tmp_path, "v.txt", '{"target": "BaTiO3"}\n')
    assert read(lines, names=NAMES)[1][0].cells == {"target": "BaTiO3"}


def test_jsonl_rows_name_their_own_columns(tmp_path):
    path = write(tmp_path, "t.jsonl", '{"a": 1}\n\n{"b": [2], "a": null}\n[3]\n{oops\n')
    columns, rows = read(path)
    assert columns == ("a", "b")
    assert [row.line for row in rows] == [1, 3, 4, 5]
    assert rows[1].cells == {"b": [2], "a": None}
    assert rows[2].error == "not a JSON object."
    assert rows[3].error.startswith("not valid JSON")


@pytest.mark.parametrize("name", ["t.csv.gz", "t.txt.gz", "t.jsonl.gz", "t.parquet", "t.parquet.gz", "t.xlsx"])
def test_compressed_and_binary_files(tmp_path, name):
    path = tmp_path / name
    if "parquet" in name:
        pq.write_table(pa.table({"target": ["BaTiO3", "SrTiO3"], "n": [1, 2]}), path)
    elif "xlsx" in name:
        workbook(path, [["target", "n"], ["BaTiO3", 1], ["SrTiO3", 2]])
    else:
        path.write_text("")
    text = {"csv": "target,n\nBaTiO3,1\nSrTiO3,2\n", "jsonl": '{"target": "BaTiO3"}\n{"target": "SrTiO3"}\n'}
    if name.endswith(".gz"):
        content = text.get(name.split(".")[1], "BaTiO3\nSrTiO3\n").encode()
        path.write_bytes(gzip.compress(path.read_bytes() or content))
    columns, rows = read(path)
    assert [row.cells[columns[0]] for row in rows] == ["BaTiO3", "SrTiO3"]


def workbook(path, rows, sheet=None):
    openpyxl = pytest.importorskip("openpyxl", reason="needs the extra 'xlsx'")
    book = openpyxl.Workbook()
    page = book.active if sheet is None else book.create_sheet(sheet)
    for row in rows:
        page.append(row)
    book.save(path)


def test_workbooks(tmp_path):
    path = tmp_path / "t.xlsx"
    rows = [["# my cupboard"], [" Formula ", "id", None], [], ["BaTiO3", "1E5", 5], [None, None, None], ["TiO2", 1.5]]
    workbook(path, rows)
    columns, found_rows = read(path)
    assert columns == ("Formula", "id")
    assert found(found_rows) == [(4, ["BaTiO3", "1E5"]), (6, ["TiO2", 1.5])]
    workbook(path, [["target"], ["NiO"]], sheet="Tab 2")
    assert read(f"{path}:Tab 2")[1][0].cells == {"target": "NiO"}
    with pytest.raises(DataError, match=r"has no sheet 'Tab 3', found Sheet, Tab 2\. Did you mean 'Tab 2'"):
        open_rows(f"{path}:Tab 3")
    with pytest.raises(DataError, match="is empty"):
        open_rows(path)
    path.write_bytes(b"no workbook")
    with pytest.raises(DataError, match="Cannot read"):
        open_rows(path)


def test_a_workbook_without_openpyxl_names_the_extra(tmp_path, monkeypatch):
    path = write(tmp_path, "t.xlsx", b"PK")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(DataError, match=r"pip install 'rrgraph\[xlsx\]'"):
        open_rows(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.csv", "", "is empty, expected a header"),
        ("t.csv", 'a,"b\n1,2\n', "The header of .*, line 1: a quote is not closed"),
        ("t.csv", b"PK\3\4", "is not text: it is a zip archive or a workbook"),
        ("t.csv", bytes(20), "is not text"),
        ("t.csv", b"a\0,b\n1,2\n", "the name of column 1 contains a NUL byte"),
        ("t.csv", "a," * 10_001, "has 10,002 columns, at most 10,000 are read"),
        ("t.csv", b"\xef\xbb\xbf", "is empty, expected a header"),
        ("t.csv.gz", "no gzip", r"^Cannot read '.*': expected a file compressed by gzip, as its name says \(Not a gz"),
        ("t.csv.xz", "no xz", "expected a file compressed by xz, as its name says"),
        ("t.csv.bz2", "no bzip2", "expected a file compressed by bzip2, as its name says"),
        ("t.xlsx", "no workbook", "expected an Excel workbook, as its name says"),
        ("t.parquet", "no parquet", "Cannot read"),
        ("t.xls", "", r"expected \.csv, .* or \.xlsx"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, name, content))


def test_a_cut_file_gives_its_rows_and_then_an_error(tmp_path):
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(b"target\n" + b"BaTiO3\n" * 5000)[:-12])
    with open_rows(path) as rows, pytest.raises(DataError, match="Cannot read"):
        assert next(iter(rows)).cells == {"target": "BaTiO3"}
        list(rows)


def test_missing_files_and_columns_have_near_matches(tmp_path):
    path = write(tmp_path, "targets.csv", "targte,size\nBaTiO3,2\n")
    with pytest.raises(DataError, match=r"Did you mean '.*targets\.csv'"):
        open_rows(tmp_path / "target.csv")
    with open_rows(path) as rows:
        assert rows.column(" SIZE") == "size"
        with pytest.raises(DataError, match=r"no column 'target', which --column asks for, found targte, size\. Did"):
            rows.column("target", option="--column")


def test_looking_ahead_loses_nothing(tmp_path):
    with open_rows(write(tmp_path, "t.csv", "a\n1\n2\n3\n")) as rows:
        assert [row.cells["a"] for row in rows.head(2)] == ["1", "2"]
        rows.drop_header()
        assert found(rows) == [(1, ["a"]), (2, ["1"]), (3, ["2"]), (4, ["3"])]


def test_standard_input_may_be_bytes(monkeypatch):
    stream = io.TextIOWrapper(io.BufferedReader(io.BytesIO("Formula;x\nBaTiO3;é\n".encode("cp1252"))))
    monkeypatch.setattr(sys, "stdin", stream)
    with pytest.warns(DataWarning, match="standard input is not UTF-8"):
        _, rows = read("-", names=NAMES)
    assert rows[0].cells == {"Formula": "BaTiO3", "x": "é"}
    assert not stream.closed


def test_rows_are_counted_where_that_is_quick(tmp_path):
    assert count_rows(str(write(tmp_path, "t.csv", "a\n1\n2\n"))) == 3
    assert count_rows("-") is None
    assert count_rows(str(tmp_path / "t.parquet")) is None


def test_what_is_no_text_makes_a_bad_row(tmp_path):
    lines = ["target,n", "BaTiO3\0,1", "SrTiO3,2", "CaTiO3,\0"]
    _, rows = read(write(tmp_path, "t.csv", "\n".join(lines)))
    assert found(rows) == [(2, NUL), (3, ["SrTiO3", "2"]), (4, NUL)]
    assert rows[0].cells == {"target": "BaTiO3\\0", "n": "1"}
    keys = ['{"a": "x\\ud800"}', '{"a": "\\ud83d\\ude00"}', '{"\\udfff": 1}', '{"a": [["\\u0000"]]}']
    _, rows = read(write(tmp_path, "t.jsonl", "\n".join(keys)))
    assert found(rows) == [(1, HALF), (2, ["\U0001f600"]), (3, HALF), (4, NUL)]
    assert [row.text for row in rows if row.error] == [keys[0], keys[2], keys[3]]
    _, rows = read(write(tmp_path, "t.txt", "BaTiO3\nSr\0TiO3\nCaTiO3\n"), names=NAMES)
    assert found(rows) == [(1, ["BaTiO3"]), (2, NUL), (3, ["CaTiO3"])]
    texts = pa.array([b"BaTiO3\xff", b"SrTiO3", b"CaTiO3\0"]).view(pa.string())
    pq.write_table(pa.table({"target": texts}), tmp_path / "t.parquet")
    assert found(read(tmp_path / "t.parquet")[1]) == [(1, HALF), (2, ["SrTiO3"]), (3, NUL)]


NUL = "contains a NUL byte."
HALF = "contains what is not Unicode text, such as half of a surrogate pair."


def test_columns_of_one_name_are_told_apart_with_a_warning(tmp_path):
    with pytest.warns(DataWarning, match=r"has the column 'a' more than once; the second is called 'a\.1'"):
        columns, _ = read(write(tmp_path, "t.csv", "a,b,a\n1,2,3\n"))
    assert columns == ("a", "b", "a.1")
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), tmp_path / "t.parquet")
    with pytest.warns(DataWarning, match="more than once"):
        assert read(tmp_path / "t.parquet")[1][0].cells == {"a": 1, "a.1": 2}


def test_a_row_of_json_has_no_more_columns_than_a_table(tmp_path):
    text = "{" + ",".join(f'"c{number}": 1' for number in range(10_001)) + "}"
    assert read(write(tmp_path, "t.jsonl", text))[1][0].error == "has more than 10,000 columns."


def test_texts_of_parquet_are_in_memory_once(tmp_path):
    path = tmp_path / "t.parquet"
    lists = pa.array([["x" * 1000] * 3] * 50, pa.list_(pa.string()))
    pq.write_table(pa.table({"target": ["y" * 1000] * 50, "more": lists, "n": range(50)}), path)
    _, rows = read(path)
    assert len(rows) == 50
    assert all(row.cells["target"] is rows[0].cells["target"] for row in rows)
    assert rows[7].cells == {"target": "y" * 1000, "more": ["x" * 1000] * 3, "n": 7}


def test_batches_of_parquet_are_divided_where_they_would_take_too_much(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"target": ["y" * 1000] * 50}), path)
    monkeypatch.setattr(parquet, "_MOST", 5000)
    assert [row.line for row in read(path)[1]] == list(range(1, 51))
    monkeypatch.setattr(parquet, "_MOST", 500)
    with pytest.raises(DataError, match=r"A row of .* is larger than"):
        read(path)


def test_frames_of_parquet_have_the_columns_that_rows_have(tmp_path):
    path = tmp_path / "t.parquet"
    cells = [pa.array(["BaTiO3"]), pa.array(["x"]), pa.array([1])]
    pq.write_table(pa.table(cells, names=[" target ", "target", ""]), path)
    with pytest.warns(DataWarning, match="'target' more than once"):
        frame = read_frame(path)
    with pytest.warns(DataWarning, match="'target' more than once"):
        columns, _ = read(path)
    assert tuple(frame.columns) == columns == ("target", "target.1", "column 3")


@pytest.mark.parametrize("part", ["sharedStrings.xml", "styles.xml"])
def test_parts_of_workbooks_are_checked_before_they_are_read(tmp_path, part):
    path = tmp_path / "t.xlsx"
    workbook(path, [["target"], ["BaTiO3"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(f"xl/{part}", b"<sst>" + b"<si/>" * 300_000)
    with pytest.raises(DataError, match="200 times its own size"):
        open_rows(path)


def test_a_row_of_a_sheet_is_bounded(tmp_path, monkeypatch):
    path = tmp_path / "t.xlsx"
    workbook(path, [["target"], *[["BaTiO3", "x" * 50]] * 100])
    monkeypatch.setattr(sheets, "_LONGEST_ROW", 2000)
    assert len(read(path)[1]) == 100
    monkeypatch.setattr(sheets, "_LONGEST_ROW", 40)
    with pytest.raises(DataError, match=r"A row of the sheet of .* is larger than"):
        read(path)
    monkeypatch.undo()
    monkeypatch.setattr(sheets, "_MAX_CELLS", 100)
    with pytest.raises(DataError, match="spans more than 100 cells"):
        read(path)


@given(st.lists(st.tuples(st.text('ab\n",', max_size=6), st.text('ab\n",', max_size=6)), max_size=8), st.integers(1, 9))
def test_rows_are_counted_whatever_is_quoted(tmp_path_factory, cells, chunk):
    path = tmp_path_factory.mktemp("counted") / "table.csv"
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("one", "two"), *cells])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rrgraph.util.rows.opening._CHUNK", chunk)
        assert count_rows(str(path)) == len(cells) + 1


def test_a_quote_that_is_never_closed_does_not_hide_rows(tmp_path):
    (tmp_path / "table.csv").write_text('size\n5"\n6\n')
    assert count_rows(str(tmp_path / "table.csv")) == 3
