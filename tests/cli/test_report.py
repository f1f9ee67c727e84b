from __future__ import annotations


def test_the_page_is_written_where_it_is_said(rrgraph, trained, tmp_path):
    path = tmp_path / "page.html"
    result = rrgraph("report", trained, "--output", path, "--only", "top_k")
    assert result.code == 0, result.err
    assert result.out == f"The report is in {path}\n"
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_bad_options_end_in_a_sentence(rrgraph, trained, tmp_path):
    result = rrgraph("report", trained, "--only", "reliabilty", "--output", tmp_path / "page.html")
    assert result.code == 2 and "Did you mean 'reliability'?" in result.err
    assert not (tmp_path / "page.html").exists()
