from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import networkx as nx
import pytest

from rrgraph.errors import ConfigError
from rrgraph.networks import network_html

EVIL = "</script><script>alert(1)</script>&<b>"


class Scripts(HTMLParser):
    """What a browser would take for scripts, and every tag and address of the page."""

    def __init__(self, page):
        super().__init__()
        self.scripts, self.tags, self.addresses = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action")]
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script":
            self.scripts[-1] += data


def embedded(page):
    return json.loads(Scripts(page).scripts[0])


def test_the_page_is_whole_and_the_same_every_time(hand_made):
    page = network_html(hand_made.cooccurrence(), title="Precursors used together")
    assert page == network_html(hand_made.cooccurrence(), title="Precursors used together")
    parsed = Scripts(page)
    assert parsed.addresses == [] and not re.search(r"@import|url\(|https?://(?!www\.w3\.org/2000/svg)", page)
    assert len(parsed.scripts) == 2
    data = embedded(page)
    assert len(data["edges"]["a"]) == hand_made.cooccurrence().number_of_edges()
    assert f"Source: {len(hand_made.reactions)} reactions of invented." in page
    assert "Precursors used together</h1>" in page and "This page has" not in page


def test_nothing_in_a_graph_ends_the_script():
    graph = nx.Graph(table=EVIL, kind="cooccurrence")
    graph.add_edge(EVIL, "TiO2", count=1, note=EVIL)
    graph.nodes[EVIL]["kind"] = EVIL
    parsed = Scripts(network_html(graph, title=EVIL))
    assert len(parsed.scripts) == 2 and "b" not in parsed.tags
    data = json.loads(parsed.scripts[0])
    assert data["title"] == EVIL and data["nodes"]["formula"] == [EVIL, "TiO2"] and data["values"]["note"] == [EVIL]


def test_a_large_graph_is_cut_and_the_page_says_so(hand_made, caplog):
    with caplog.at_level(logging.INFO):
        page = network_html(hand_made.cooccurrence(), title="x", nodes=5, edges=3)
    data = embedded(page)
    assert (len(data["nodes"]["formula"]), len(data["edges"]["a"])) == (5, 3)
    assert data["all"] == {"nodes": 9, "edges": 10}
    assert re.search(r"the 5 most used of 9 points and, between them, the\s+3 strongest of 10 lines", page)
    assert "5 most used of 9 nodes" in caplog.text


def test_an_empty_graph_has_a_page():
    assert embedded(network_html(nx.Graph(), title="empty"))["edges"] == {"a": [], "b": []}


def test_a_target_is_called_by_its_formula():
    graph = nx.Graph([("target:LiCoO2", "Co3O4")], kind="bipartite")
    graph.add_node("target:LiCoO2", formula="LiCoO2", side="target")
    graph.add_node("Co3O4", formula="Co3O4", side="precursor")
    data = embedded(network_html(graph, title="x"))
    assert data["nodes"]["formula"] == ["LiCoO2", "Co3O4"] and data["groups"][0]["name"] == "side"


def test_without_jinja_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ConfigError, match=r"need Jinja2, .* pip install 'rrgraph\[figures\]'"):
        network_html(nx.Graph(), title="x")


DRIVER = """
<pre id="answers"></pre>
<script>
const answers = {};
const names = () => [...view.nodes].map((id) => network.nodes[id].formula).sort();
const ends = (edge) => [network.nodes[edge.a].formula, network.nodes[edge.b].formula].sort().join("+");
const pairs = () => view.edges.map(ends).sort();
const texts = (root, selector) => [...root.querySelectorAll(selector)].map((each) => each.textContent);
const buttons = (selector) => [...document.querySelectorAll(selector)];
const press = (selector, text) => buttons(selector).find((each) => each.textContent.startsWith(text)).click();
const put = (id, value, event) => { byId(id).value = value; byId(id).dispatchEvent(new Event(event)); };
try {
  answers.all = [names(), pairs(), byId("status").textContent];
  put("value", 6, "change");
  answers.sixOrMore = pairs();
  press("#elements button", "Li");
  answers.lithium = pairs();
  byId("mates").click();
  answers.lithiumAlone = pairs();
  byId("reset").click();
  put("weight", "pmi", "change"); put("least", 0, "input"); put("value", 0, "change");
  answers.positive = pairs();
  byId("weakest").click(); put("value", 0, "change");
  answers.negative = pairs();
  byId("reset").click();
  press("#legend button", "carbonate");
  answers.withoutCarbonates = names();
  byId("reset").click();
  put("search", "lico", "input"); answers.nothing = byId("suggestions").textContent;
  put("search", "li₂", "input");
  answers.subscripts = byId("suggestions").children[0].querySelector(".formula").innerHTML;
  put("search", "Li", "input");
  answers.suggested = texts(byId("suggestions"), ".formula");
  byId("search").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter" }));
  answers.selected = [byId("panel").querySelector("h2").textContent, location.hash];
  answers.neighbours = [...byId("panel").querySelectorAll("tbody tr")].map((row) => texts(row, "td"));
  answers.facts = byId("panel").querySelector("dl").textContent;
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
  answers.closed = state.selected;
  answers.slider = [0, 0.25, 0.5, 1].map((each) => Network.threshold([1, 1, 2, 5, 9], each, false));
  answers.pieces = [Network.pieces("Sr(NO3)2"), Network.pieces("Ba0.9SiO4"), Network.pieces("CuSO4·5H2O")];
  answers.csv = Network.csv(network, view.edges).split("\\n").slice(0, 2);
  answers.picture = map.pen.getImageData(0, 0, map.canvas.width, map.canvas.height).data.some((value) => value !== 255);
} catch (error) { answers.error = String(error.stack || error); }
byId("answers").textContent = JSON.stringify(answers);
</script>
</body>"""


@pytest.fixture(scope="module")
def answers(hand_made, tmp_path_factory):
    """What the page does in a browser."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    folder = tmp_path_factory.mktemp("page")
    page = network_html(hand_made.cooccurrence(), title="Precursors used together")
    (folder / "page.html").write_text(page.replace("</body>", DRIVER), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    try:
        done = subprocess.run(
            [*command, "--dump-dom", (folder / "page.html").as_uri()], capture_output=True, timeout=300
        )
    except subprocess.TimeoutExpired:
        pytest.skip("Chromium does not start here")
    found = re.search(r'<pre id="answers">(.*?)</pre>', done.stdout.decode(), re.DOTALL)
    if done.returncode or not found:
        pytest.skip(f"Chromium does not run here: {done.stderr.decode()[-200:]}")
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    result = json.loads(text)
    assert "error" not in result, result["error"]
    return result


def links(graph, chosen):
    return sorted("+".join(sorted((a, b))) for a, b, values in graph.edges(data=True) if chosen(a, b, values))


def test_the_threshold_filters_lines(answers, hand_made):
    graph = hand_made.cooccurrence()
    assert answers["all"][:2] == [sorted(graph), links(graph, lambda *_: True)]
    assert "9 points of 9" in answers["all"][2] and "10 lines of 10" in answers["all"][2]
    assert answers["sixOrMore"] == links(graph, lambda a, b, values: values["count"] >= 6)
    assert answers["positive"] == links(graph, lambda a, b, values: values["pmi"] >= 0)
    assert answers["negative"] == links(graph, lambda a, b, values: values["pmi"] <= 0)
    assert answers["slider"] == [1, 1, 2, 9]


def test_elements_and_classes_filter_nodes(answers, hand_made):
    graph = hand_made.cooccurrence()
    assert answers["lithium"] == links(graph, lambda a, b, values: values["count"] >= 6 and "Li" in a + b)
    assert answers["lithiumAlone"] == []
    left = [link for link in graph.edges if "carbonate" not in {graph.nodes[node]["kind"] for node in link}]
    assert answers["withoutCarbonates"] == sorted({node for link in left for node in link})


def test_search_finds_formulas_and_elements(answers):
    assert answers["nothing"] == "nothing found"
    assert answers["subscripts"] == "Li<sub>2</sub>CO<sub>3</sub>"
    assert answers["suggested"] == ["Li2CO3", "LiOH", "LiNO3"]
    assert answers["selected"] == ["Li2CO3", "#Li2CO3"] and answers["closed"] is None


def test_the_panel_lists_neighbours_by_weight(answers):
    assert answers["neighbours"] == [["Co3O4", "9"], ["MnO2", "6"], ["TiO2", "5"]]
    assert "classcarbonate" in answers["facts"] and "reactions20" in answers["facts"]
    assert "years1990 to 2010" in answers["facts"]


def test_formulas_are_written_with_subscripts(answers):
    nitrate, silicate, hydrate = answers["pieces"]
    assert nitrate == [["Sr(NO", False], ["3", True], [")", False], ["2", True]]
    assert silicate == [["Ba", False], ["0.9", True], ["SiO", False], ["4", True]]
    assert hydrate[2:4] == [["·5H", False], ["2", True]]


def test_what_is_shown_can_be_saved(answers):
    assert answers["csv"][0].startswith("one,other,count,pmi,")
    assert answers["csv"][1].startswith("TiO2,BaCO3,13,")
    assert answers["picture"] is True
