import pytest

from rrgraph.organic import merge_templates, template_key

CENTRE = "[N:2]-[C@@H;D3;+0:1](-[C:3])-[O:4]>>[N:2]-[C@H;D3;+0:1](-[C:3])-Br.[OH:4]"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[C:1]-[O:2]>>[C:1].[O:2]", "[O:5]-[C:9]>>[O:5].[C:9]"),
        (
            "[c:1]:[c:2](:[c:3])-[O:4]>>[c:1]:[c:2](:[c:3])-Br.[O:4]",
            "[c:7]:[c:2](-[O:1]):[c:5]>>[O:1].Br-[c:2](:[c:7]):[c:5]",
        ),
        (CENTRE, "[C:3]-[C@H;D3;+0:1](-[N:2])-[O:4]>>[C:3]-[C@@H;D3;+0:1](-[N:2])-Br.[OH:4]"),
        ("[C:1]/[C:2]=[C:3]/[O:4]>>[C:1]-[O:4]", "[C:1]\\[C:2]=[C:3]\\[O:4]>>[C:1]-[O:4]"),
        ("[C:1]/[C:2]=[C:3]/[O:4]>>[C:1]-[O:4]", "[O:4]\\[C:3]=[C:2]\\[C:1]>>[O:4]-[C:1]"),
    ],
)
def test_other_spellings_have_the_same_key(one, other):
    assert template_key(one) == template_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[C:1]-[O:2]>>[C:1].[O:2]", "[C:1]-[O:2]>>[C:1].[N:2]"),
        ("[C:1]-[O:2]>>[C:1].[O:2]", "[C:1]-[O:2]>>[C:2].[O:1]"),
        ("[C:1]=[O:2]>>[C:1]-[O:2]", "[C:1]-[O:2]>>[C:1]=[O:2]"),
        (CENTRE, CENTRE.replace("@@", "@")),
        ("[C:1]/[C:2]=[C:3]/[O:4]>>[C:1]-[O:4]", "[C:1]/[C:2]=[C:3]\\[O:4]>>[C:1]-[O:4]"),
        ("not a template", "nor this"),
    ],
)
def test_other_templates_have_another_key(one, other):
    assert template_key(one) != template_key(other)


def test_the_most_frequent_spelling_stands_for_all():
    one, other, third = "[C:1]-[O:2]>>[C:1].[O:2]", "[O:1]-[C:2]>>[O:1].[C:2]", "[C:1]=[O:2]>>[C:1]-[O:2]"
    assert merge_templates({one: 1, other: 3, third: 1}) == {one: other, other: other, third: third}
