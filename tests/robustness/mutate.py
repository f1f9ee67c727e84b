"""Damage of bytes, of decoded JSON and of tables."""

from __future__ import annotations

import copy
import gzip
import json
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["FORMATS", "HOSTILE", "damaged_bytes", "damaged_table", "damaged_value", "json_text", "write_table"]

TOKENS = [
    *(
        b"\0",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xed\xa0\x80",
        b"\xff",
        b"\xc3",
        b"\x1b[31m",
        b"\x07",
        b"\x1a",
    ),
    *(b'"', b'"""', b"'", b"`", b",", b";", b"\t", b"|", b"\r", b"\n", b"\n\n\n", b"\r\n", b"\x0b", b"\x0c", b"\x85"),
    *(b"9" * 5000, b"1e999", b"-1e-999", b"NaN", b"Infinity", b"-0", b"0x1f", b"1_000", b"1,5", b"0o7", b"1:30"),
    *(
        b"[" * 3000,
        b"{" * 2000,
        b'{"a":' * 2000,
        b"(" * 500,
        b"]",
        b"}",
        b"null",
        b"true",
        b"~",
        b"[]",
        b"{}",
        b"#",
        b"%",
    ),
    *(
        "\u202e\u2028\u2029\ufeff\u200b".encode(),
        b"\\ud800",
        b"\\u0000",
        b"\\x00",
        b"%s%n",
        b"{0}",
        b"\\",
        b"//",
        b"..",
    ),
    *(
        b"<script>alert(1)</script>",
        b"=1+1",
        b"@SUM(A1)",
        b"${oc.env:HOME}",
        b"${seed}",
        b"!!set {a}",
        b"&a [*a]",
        b"? ",
        b": ",
    ),
    *(
        b"A" * 100_000,
        b"\xf0\x9f\x92\xa9",
        "µ½₂·".encode(),
        b"target",
        b"precursors",
        b"formula",
        b"- ",
        b"  ",
        b"---\n",
        b"...\n",
    ),
]
HOSTILE: list[Any] = [
    *(None, True, False, 0, -1, 1, 3.5, 2**63, -(2**63), 10**400, 1e308, -1e-308, float("nan"), float("inf"), 1e5),
    *(
        "",
        " ",
        "\0",
        "\ud800",
        "\x1b]0;x\x07",
        "\u202e",
        "\n",
        "a\nb",
        "\r",
        "'",
        '"',
        "NaN",
        "nan",
        "null",
        "1e999",
        "yes",
        "007",
    ),
    *(
        "9" * 400,
        "x" * 20_000,
        "../../etc/passwd",
        "/dev/null",
        "${oc.env:HOME}",
        "=cmd|' /C calc'!A1",
        "<script>",
        "%s",
        "{x}",
        ";",
    ),
    *(
        "BaTiO3",
        "H2",
        "Xx2",
        "O" * 50,
        "((((",
        ")",
        "Ba(",
        "1e5",
        "-",
        "nan;inf",
        "BaCO3;;TiO2",
        ";".join(["TiO2"] * 200),
    ),
    *(
        [],
        {},
        [[]],
        [None],
        ["a", 1, None],
        {"a": {}},
        {"": None},
        {"target": "BaTiO3"},
        [{}],
        "\udcff",
        "é" * 300,
        "日本語",
    ),
]
ENCODINGS = ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252", "cp037", "utf-7", "shift_jis"]


def damaged_bytes(data: bytes, choose: random.Random) -> bytes:
    """Return bytes cut, spliced, flipped, repeated, encoded otherwise, or with something hostile in them."""
    for _ in range(choose.choice([1, 1, 1, 2, 3, 6])):
        place = choose.randrange(len(data) + 1)
        length = choose.choice([1, 1, 2, 10, 100, 1000])
        match choose.randrange(9):
            case 0:
                data = data[:place]
            case 1:
                data = data[:place] + data[place + length :]
            case 2:
                data = data[:place] + choose.choice(TOKENS) + data[place:]
            case 3:
                data = data[:place] + choose.choice(TOKENS) + data[place + length :]
            case 4 if place < len(data):
                data = data[:place] + bytes([data[place] ^ 1 << choose.randrange(8)]) + data[place + 1 :]
            case 5:
                other = choose.randrange(len(data) + 1)
                data = data[:place] + data[other : other + length] + data[place:]
            case 6:
                lines = data.split(b"\n")
                choose.shuffle(lines)
                data = choose.choice([b"\n", b"\r", b"\r\n", b""]).join(lines)
            case 7:
                data = data.decode("utf-8", "replace").encode(choose.choice(ENCODINGS), "replace")
            case _:
                data = data[:place] + data[place : place + length] * choose.choice([2, 5, 50]) + data[place:]
    return data[:2_000_000]


def damaged_value(value: Any, choose: random.Random, hostile: Sequence[Any] = HOSTILE) -> Any:
    """Return a decoded JSON or YAML value with some of its parts exchanged, missing, renamed, repeated or nested."""
    with suppress(RecursionError):  # one that is nested too deeply is not used again
        value = copy.deepcopy(value)
    for _ in range(choose.choice([1, 1, 1, 2, 4])):
        value = _damaged(value, choose, hostile)
    return value


def _damaged(value: Any, choose: random.Random, hostile: Sequence[Any]) -> Any:
    inside = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not inside or choose.random() < 0.12:
        return _exchanged(value, choose, hostile)
    key = choose.choice(inside)
    if choose.random() < 0.6:
        value[key] = _damaged(value[key], choose, hostile)
        return value
    match choose.randrange(4):
        case 0:
            del value[key]
        case 1 if isinstance(value, dict):
            value[choose.choice(["", " ", str(key).upper(), f"{key} ", "x" * 500, "\0", "\ud800", "a.b"])] = value.pop(
                key
            )
        case 1:
            with suppress(RecursionError):  # of what is nested too deeply to be repeated
                value.insert(choose.randrange(len(value) + 1), copy.deepcopy(value[key]))
        case 2:
            value[key] = _exchanged(value[key], choose, hostile)
        case _ if isinstance(value, dict):
            value[choose.choice(["extra", "target", "0", "__class__", "nan"])] = choose.choice(hostile)
        case _:
            choose.shuffle(value)
    return value


def _exchanged(value: Any, choose: random.Random, hostile: Sequence[Any]) -> Any:
    match choose.randrange(6):
        case 0:
            return [value]
        case 1:
            return {"value": value}
        case 2:
            nested = value
            for _ in range(choose.choice([3, 90, 400])):
                nested = [nested]
            return nested
        case _:
            return copy.deepcopy(choose.choice(hostile))


def json_text(value: Any, choose: random.Random) -> bytes:
    """Return JSON, with surrogates and other characters escaped or as they are."""
    try:
        text = json.dumps(value, ensure_ascii=choose.random() < 0.5)
    except RecursionError:  # this is nested more deeply than Python writes
        text = "[" * 5000 + "]" * 5000
    return text.encode("utf-8", "surrogatepass")


def damaged_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], choose: random.Random
) -> tuple[list[Any], list[list[Any]]]:
    """Return columns and rows with other names, cells and numbers of cells."""
    names, cells = list(columns), [list(row) for row in rows]
    for _ in range(choose.choice([0, 1, 1, 2, 3])):
        match choose.randrange(8):
            case 0:
                names[choose.randrange(len(names))] = choose.choice([*HOSTILE, *columns])
            case 1:
                names.append(choose.choice([names[0], *HOSTILE[:30]]))
                cells = [[*row, choose.choice(HOSTILE)] for row in cells]
            case 2 if len(names) > 1:
                gone = choose.randrange(len(names))
                del names[gone]
                cells = [row[:gone] + row[gone + 1 :] for row in cells]
            case 3:
                cells.append([choose.choice(HOSTILE) for _ in names])
            case 4 if cells:
                row = choose.choice(cells)
                row[:] = row[: choose.randrange(len(row) + 1)]
            case 5:
                cells = choose.choice([[], cells * 3, cells[:1]])
            case 6:
                wide = choose.choice([3, 300, 3000])
                names += [f"extra {number}" for number in range(wide)]
            case _ if cells:
                row = choose.choice(cells)
                if row:
                    row[choose.randrange(len(row))] = choose.choice(HOSTILE)
    return names, cells


def _text(cell: Any) -> str:
    return "" if cell is None else json.dumps(cell) if isinstance(cell, list | dict) else str(cell)


def _csv(mark: str) -> Callable[[list[Any], list[list[Any]], random.Random], bytes]:
    def written(names: list[Any], rows: list[list[Any]], choose: random.Random) -> bytes:
        def line(cells: list[Any]) -> str:
            texts = [_text(cell) for cell in cells]
            careless = choose.random() < 0.1
            odd = [not careless and any(each in text for each in (mark, '"', "\n", "\r")) for text in texts]
            quoted = [
                '"' + text.replace('"', '""') + '"' if is_odd else text for text, is_odd in zip(texts, odd, strict=True)
            ]
            return mark.join(quoted)

        text = "\n".join([line(names), *map(line, rows)]) + "\n"
        return text.encode("utf-8", "surrogatepass")

    return written


def _jsonl(names: list[Any], rows: list[list[Any]], choose: random.Random) -> bytes:
    lines = [json_text(dict(zip(map(_text, names), row, strict=False)), choose) for row in rows]
    return b"\n".join(lines) + b"\n"


def _parquet(names: list[Any], rows: list[list[Any]], choose: random.Random) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def array(cells: list[Any]) -> pa.Array:
        texts = [_text(cell).encode("utf-8", "replace").decode() for cell in cells]
        plain = pa.array(texts)
        try:
            return choose.choice(
                [
                    lambda: plain,
                    lambda: pa.array(cells),
                    lambda: plain.dictionary_encode(),
                    lambda: plain.cast(pa.large_binary()),
                    lambda: pa.array([[text] for text in texts]),
                    lambda: pa.array([{"a": text} for text in texts]),
                    lambda: pa.array(range(len(texts)), pa.timestamp("ns")),
                    lambda: pa.array([float(len(text)) for text in texts], pa.float16()) if texts else plain,
                    lambda: pa.nulls(len(texts)),
                    lambda: pa.array([None if choose.random() < 0.3 else text for text in texts]),
                ][choose.choice([0, 0, 0, 0, *range(10)])]
            )()
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            return plain

    width = len(names)
    filled = [[*row, *[None] * width][:width] for row in rows]
    arrays = [array([row[number] for row in filled]) for number in range(width)]
    titles = [_text(name).encode("utf-8", "replace").decode() for name in names]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_arrays(arrays, names=titles), sink)
    return sink.getvalue().to_pybytes()


def _xlsx(names: list[Any], rows: list[list[Any]], choose: random.Random) -> bytes:
    import io

    from openpyxl import Workbook
    from openpyxl.utils.exceptions import IllegalCharacterError

    book = Workbook()
    sheet = book.active
    for number, row in enumerate([names, *rows], start=1):
        for place, cell in enumerate(row[:300], start=1):
            try:
                sheet.cell(number, place, cell if isinstance(cell, str | int | float | None) else _text(cell))
            except (IllegalCharacterError, ValueError, OverflowError):
                sheet.cell(number, place, "odd")
    data = io.BytesIO()
    try:
        book.save(data)
    except (UnicodeError, OverflowError):
        return _csv(",")(names, rows, choose)
    return data.getvalue()


FORMATS = {
    ".csv": _csv(","),
    ".tsv": _csv("\t"),
    ".txt": _csv(";"),
    ".jsonl": _jsonl,
    ".parquet": _parquet,
    ".xlsx": _xlsx,
}


def write_table(
    folder: Path,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    choose: random.Random,
    formats: Sequence[str] = (),
) -> Path:
    """Write a table that is damaged in its cells, its bytes, or both."""
    suffix = choose.choice(
        list(formats) or [".csv", ".csv", ".tsv", ".txt", ".jsonl", ".jsonl", ".parquet", ".parquet", ".xlsx"]
    )
    kind = choose.random()
    names, cells = damaged_table(columns, rows, choose) if kind < 0.7 else (list(columns), [list(row) for row in rows])
    data = FORMATS[suffix](names, cells, choose)
    if kind > 0.5:
        data = damaged_bytes(data, choose)
    if suffix != ".xlsx" and choose.random() < 0.08:
        suffix += ".gz"
        data = gzip.compress(data)
        if choose.random() < 0.5:
            data = damaged_bytes(data, choose)
    path = folder / f"table{suffix}"
    path.write_bytes(data)
    return path
