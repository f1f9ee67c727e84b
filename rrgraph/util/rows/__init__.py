"""Rows of a table or list: CSV (comma, semicolon or tab), JSONL, text with an entry a line, Excel workbooks, Parquet.

Files are streamed and every row knows its line. Whatever is wrong with a row leaves the others alone: a quoted cell may
contain line breaks, but a quote that is never closed makes one bad row and does not swallow the rest of the file.
"""

from rrgraph.util.rows.opening import count_rows, open_rows
from rrgraph.util.rows.reader import ENTRY, Row, RowReader, column_name, listed, named_column

__all__ = ["ENTRY", "Row", "RowReader", "column_name", "count_rows", "listed", "named_column", "open_rows"]
