from rrgraph.util.markdown import markdown_code, markdown_text


def test_names_are_no_markdown():
    assert markdown_text("run_1 of *mine*") == "run_1 of *mine*"
    assert markdown_text("a\n\n<b>&[x](y)|`z`\\") == r"a &lt;b>&amp;\[x\](y)\|\`z\`\\"
    assert markdown_code("a`<b>`\nc") == "`a'<b>' c`"
