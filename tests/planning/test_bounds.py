"""Large questions: the search stops at a counted limit with the best sets or a sentence, within time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rrgraph.planning.planner as module
from rrgraph.chem import parse_formula
from rrgraph.cli.main import main
from rrgraph.planning import AGGREGATES, LinkScorer, Planner, SetConstraints, SetSearch

POOL = [
    parse_formula(text)
    for text in ("Li2CO3", "LiOH", "La2O3", "La(OH)3", "ZrO2", "TiO2", "BaCO3", "BaTiO3", "LaTiO3", "BaZrO3", "NaCl")
]
TARGETS = [parse_formula(text) for text in ("Li7La3Zr2O12", "BaTiO3", "LiLaTi2O6", "BaZr0.5Ti0.5O3", "La2O3")]
METALS = "Ba Ti Li La Zr Ni Co Mn Fe Cu Bi Sr Ca Nb Ta Na K Mg Al Si P Zn Y Pb Sn W Mo V Cr Sb Ga In Ge Nd Pr Sm Eu Gd"


class Links(LinkScorer):
    """Logits from a checksum of the two keys."""

    def logits(self, targets, candidates):
        return np.array([[crc32(f"{t.key}|{c.key}".encode()) % 97 / 20 - 3 for c in candidates] for t in targets])


class SetScores:
    """A re-ranker with scores from checksums, each target on its own."""

    candidates = 4

    def log_probabilities(self, lists):
        keys = [each.key for each in lists.links.candidates]
        logs = [
            np.array([-1.0 - crc32("|".join(sorted(keys[m] for m in members)).encode()) % 97 for members in own])
            for own in lists.sets
        ]
        return logs, np.full(len(logs), -2.0)


@given(
    st.lists(st.tuples(st.integers(-9, 0), st.integers(0, 15)), min_size=1, max_size=9),
    st.sampled_from(AGGREGATES),
    st.integers(0, 400),
)
def test_what_a_stopped_search_has_found_is_best(candidates, aggregate, most_work):
    scores, masks = zip(*candidates, strict=True)
    problem = {"need": 15, "sizes": (1, 2, 3, 5), "aggregate": aggregate}
    every = list(SetSearch(scores, masks, **problem))
    search = SetSearch(scores, masks, **problem, most_work=most_work)
    found = list(search)
    assert found == every[: len(found)]
    assert search.stopped or len(found) == len(every)
    assert search.work <= most_work or search.stopped


def test_sizes_whose_best_set_is_worse_are_not_looked_at():
    scores, masks = [-1] * 60, [1 << place % 6 for place in range(60)]
    best = {}
    for most in (6, 20):
        search = SetSearch(scores, masks, need=63, sizes=range(1, most + 1))
        best[most] = list(islice(search, 5)), search.work
    assert best[6] == best[20]


@pytest.mark.parametrize("reranker", [None, SetScores()])
def test_batches_and_groups_do_not_change_an_answer(monkeypatch, reranker):
    rules = SetConstraints(foreign=True)
    usual = Planner(Links(), POOL, rules, reranker=reranker).plan(TARGETS, top_k=7)
    monkeypatch.setattr(module, "_BATCH_LINKS", 25)
    assert Planner(Links(), POOL, rules, reranker=reranker).plan(TARGETS, top_k=7) == usual
    grouped = []
    monkeypatch.setattr(module, "_head_work", lambda sides, number: grouped.append(len(sides[0].rankings)) or 10**9)
    assert Planner(Links(), POOL, rules, reranker=reranker).plan(TARGETS, top_k=7) == usual
    assert set(grouped) == (set() if reranker is None else {1})


def test_candidates_that_are_in_none_of_the_first_sets_are_left_out(monkeypatch):
    rules = SetConstraints(foreign=True, sizes=(1, 2))
    usual = [plan.sets for plan in Planner(Links(), POOL, rules).plan(TARGETS, top_k=2)]
    monkeypatch.setattr(module, "_MANY_CANDIDATES", 4)
    monkeypatch.setattr(module, "_MANY_SETS", 2)
    planner = Planner(Links(), POOL, rules)
    assert [plan.sets for plan in planner.plan(TARGETS, top_k=2)] == usual
    assert any(len(each.candidate_indices) < 8 for each in planner.rankings(TARGETS))
    plan = planner.plan(TARGETS[1:2], top_k=4)[0]
    assert len(plan) == plan.stopped.sets == 2
    assert not plan.exhausted


def test_a_plan_tells_that_its_search_has_stopped(monkeypatch):
    usual = Planner(Links(), POOL).plan(TARGETS[:1], top_k=9)[0]
    work = next(Planner(Links(), POOL).rankings(TARGETS[:1]))
    list(islice(work, 3))
    monkeypatch.setattr(module, "_MOST_WORK", work.work)
    plan = Planner(Links(), POOL).plan(TARGETS[:1], top_k=9)[0]
    assert 3 <= len(plan) < len(usual)
    assert plan.sets == usual.sets[: len(plan)]
    assert plan.reason.startswith(f"The search for Li7La3Zr2O12 is large and stopped after the best {len(plan)} ")
    assert plan.reason.endswith("; narrow --set-size, --candidates or --max-candidates.")
    assert Planner(Links(), POOL).plan(TARGETS[:1], top_k=1)[0].stopped is None
    monkeypatch.setattr(module, "_MOST_WORK", 3)
    plan = Planner(Links(), POOL).plan(TARGETS[:1])[0]
    assert plan.reason == (
        "The search for precursor sets for Li7La3Zr2O12 is too large and found none; "
        "narrow --set-size, --candidates or --max-candidates."
    )


def test_the_command_says_where_a_search_has_stopped(monkeypatch, capsys):
    monkeypatch.setattr(module, "_MOST_WORK", 40)
    assert main(["plan", "BaTiO3", "--json", "--no-evidence", "--top-k", "100"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert line["search_stopped"]["sets"] >= len(line["sets"]) > 0
    assert "narrow --set-size" in line["message"]


def test_more_sets_than_are_examined_are_refused(capsys):
    assert main(["plan", "BaTiO3", "--top-k", "1001", "--no-evidence"]) == 2
    assert "--top-k is 1001, expected at most 1000." in capsys.readouterr().err


_LIMITED = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
from rrgraph.cli.main import main
code = main(["plan", *sys.argv[1:]])
used = resource.getrusage(resource.RUSAGE_SELF)
# The peak of this program: that of `used` begins with the peak of the one that started it.
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(code, used.ru_utime + used.ru_stime, int(peak.split()[1]) / 1024, file=sys.stderr)
"""


def formula(elements):
    return "".join(METALS.split()[: elements - 1]) + f"O{elements}"


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        [formula(12), "--candidates", "all+generated", "--set-size", "1-20"],
        [formula(10), "--candidates", "all+generated", "--set-size", "1-20", "--mode", "log_odds"],
        [formula(12), "--foreign", "--set-size", "1-20", "--unbalanced"],
        [formula(20), "--set-size", "1-20"],
        [formula(20), "--candidates", "all+generated"],
        [formula(38), "--candidates", "all+generated", "--set-size", "20"],
        [formula(6), "--top-k", "1000", "--unbalanced", "--json"],
        [formula(12), "--mode", "geometric", "--set-size", "1-20"],
        [formula(20), "--require", "oxides,carbonates,nitrates", "--foreign", "--set-size", "1-20"],
    ],
    ids=" ".join,
)
def test_time_and_memory(arguments):
    done = subprocess.run(
        [sys.executable, "-c", _LIMITED, *arguments, "--no-evidence"], capture_output=True, text=True, check=True
    )
    code, seconds, megabytes = map(float, done.stderr.split()[-3:])
    assert code in (0, 2)
    assert seconds < 10 + 5  # to import takes some seconds
    assert megabytes < 1500
    assert done.stdout or len(done.stderr.strip().splitlines()) == 2
