from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
import torch
from hypothesis import settings

from rrgraph.data import ReactionTable, load_table
from rrgraph.links import TrainingConfig
from rrgraph.nn import ModelConfig
from rrgraph.reranking import ListwiseNetworkConfig, RerankingConfig
from rrgraph.runs import DataConfig, EvaluationConfig, RerankerConfig, RunConfig, RunResult, train_run
from rrgraph.training import TreesConfig

from .separate_device import DEVICE, ProcessorGenerator, SeparateDevice

if TYPE_CHECKING:
    from rrgraph.reranking import ListFeatures

if "PYTEST_XDIST_WORKER" in os.environ:  # several workers with several threads each slow each other down
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of processes that tests start
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

settings.register_profile("rrgraph", deadline=None, max_examples=50)
settings.load_profile("rrgraph")

Rows = Sequence[tuple[str, str]]


@pytest.fixture(scope="session", autouse=True)
def coarse_trees() -> Iterator[None]:
    """Let boosted trees choose among 31 thresholds of each number.

    The quantiles of weighted rows, of which they usually have 254, take scikit-learn seconds even for small tables.
    """
    from sklearn import ensemble

    with pytest.MonkeyPatch.context() as patch:
        coarse = partial(ensemble.HistGradientBoostingClassifier, max_bins=32)
        patch.setattr(ensemble, "HistGradientBoostingClassifier", coarse)
        yield


@pytest.fixture
def heed_ctrl_c() -> Iterator[None]:
    """Heed Ctrl-C, here and in processes started from here, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def separate_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[SeparateDevice]:
    """The device `DEVICE`, which refuses to mix, and counts how often it is waited for."""
    monkeypatch.setattr(torch, "Generator", ProcessorGenerator)
    monkeypatch.setattr("rrgraph.nn.device._USABLE", ["cpu", DEVICE])
    with SeparateDevice() as device:
        yield device


@pytest.fixture
def waits_of_steps(separate_device: SeparateDevice, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often each step of a training waits for that device, from its batch to the weights."""
    from rrgraph.training.loop import _Run

    step, waits = _Run._step, []

    def counted(*given: Any) -> None:
        before = separate_device.waits.total()
        step(*given)
        waits.append(separate_device.waits.total() - before)

    monkeypatch.setattr(_Run, "_step", counted)
    return waits


@pytest.fixture(scope="session")
def make_table() -> Callable[..., ReactionTable]:
    """Return a function that builds a reaction table from (target, 'A;B') rows and optional columns."""

    def make(rows: Rows, **columns: Sequence[object]) -> ReactionTable:
        frame = pd.DataFrame(list(rows), columns=["target", "precursors"])
        return ReactionTable(frame.assign(**{name: list(values) for name, values in columns.items()}))

    return make


@pytest.fixture(scope="session")
def small_table(make_table) -> ReactionTable:
    """A dozen oxides and a few others, with a target that has two routes and one that is repeated."""
    return make_table(
        [
            ("LiCoO2", "Li2CO3;Co3O4"),
            ("LiCoO2", "LiOH;Co3O4"),
            ("Li2Co2O4", "Li2CO3;Co3O4"),
            ("LiMn2O4", "Li2CO3;MnO2"),
            ("BaTiO3", "BaCO3;TiO2"),
            ("SrTiO3", "SrCO3;TiO2"),
            ("CaTiO3", "CaCO3;TiO2"),
            ("LaMnO3", "La2O3;MnO2"),
            ("LaCoO3", "La2O3;Co3O4"),
            ("Y3Al5O12", "Y2O3;Al2O3"),
            ("YBa2Cu3O7", "Y2O3;BaCO3;CuO"),
            ("CuInSe2", "Cu;In;Se"),
            ("Mg2Si", "Mg;Si"),
            ("LiFePO4", "Li2CO3;FeC2O4;NH4H2PO4"),
        ]
    )


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of third-party tables, or a skip with the reason."""
    folder = os.environ.get("RRGRAPH_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("RRGRAPH_DATA does not point to the third-party tables")
    return Path(folder)


#: Pauling electronegativities.
NEGATIVITY = {
    **{"Li": 0.98, "Na": 0.93, "K": 0.82, "Mg": 1.31, "Ca": 1.0, "Sr": 0.95, "Ba": 0.89, "Al": 1.61, "Si": 1.9},
    **{"Ti": 1.54, "Zr": 1.33, "Fe": 1.83, "Zn": 1.65, "N": 3.04, "O": 3.44, "S": 2.58},
}
ANIONS = ("N", "O", "S")


@pytest.fixture(scope="session")
def property_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of invented properties of some hundred compositions, each worked out from its formula.

    negativity: mean electronegativity. size: grows with the number of cations, tenfold from end to end.
    anion: class 0 (nitride), 1 (oxide) or 2 (sulfide).
    """
    cations = [name for name in NEGATIVITY if name not in ANIONS]
    lines = ["formula,negativity,size,anion"]
    for number, (first, second) in enumerate(combinations(cations, 2)):
        for kind, anion in enumerate(ANIONS):
            a, b, c = 1 + number % 3, 1 + number // 3 % 2, 1 + (number + kind) % 4
            total = a * NEGATIVITY[first] + b * NEGATIVITY[second] + c * NEGATIVITY[anion]
            share = (a + b) / (a + b + c)
            lines.append(f"{first}{a}{second}{b}{anion}{c},{total / (a + b + c):.4f},{10**share:.4f},{kind}")
    path = tmp_path_factory.mktemp("properties") / "properties.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def invent_lists() -> Callable[..., ListFeatures]:
    """Return a function that invents lists of candidate sets with random features."""
    import torch

    from rrgraph.reranking import ListFeatures
    from rrgraph.reranking.features import LINK_FEATURES, SET_FEATURES

    def invent(lengths: Sequence[int], *, seed: int = 0, most: int = 4, links: int = 40) -> ListFeatures:
        draw = torch.Generator().manual_seed(seed)
        number = sum(lengths)
        members = torch.stack([torch.randperm(links, generator=draw)[:most] for _ in range(number)])
        members[torch.arange(most) > torch.randint(most, (number, 1), generator=draw)] = -1
        roles = torch.randint(3, (number, most, 2), generator=draw) * (members >= 0)[..., None]
        return ListFeatures(
            offsets=torch.tensor([0, *lengths]).cumsum(0),
            sets=torch.randn(number, len(SET_FEATURES), generator=draw),
            links=torch.randn(links, len(LINK_FEATURES), generator=draw),
            members=members,
            roles=roles.float(),
        )

    return invent


# Textbook reactions of organic chemistry: every combination of common building blocks.
ACIDS = ["CC(=O)O", "O=C(O)c1ccccc1", "CCC(=O)O", "O=C(O)C1CC1", "O=C(O)c1ccncc1", "COc1ccc(C(=O)O)cc1"]
AMINES = ["CN", "NCc1ccccc1", "C1CCNC1", "Nc1ccccc1", "CC(C)N"]
ALCOHOLS = ["CO", "CCO", "OCc1ccccc1", "CC(C)O"]
HALIDES = ["CBr", "BrCc1ccccc1", "C=CCBr"]
PHENOLS = ["Oc1ccccc1", "Cc1ccc(O)cc1", "Oc1ccc(F)cc1", "Oc1cccnc1"]
KETONES = ["CC(C)=O", "O=C1CCCCC1", "CC(=O)c1ccccc1", "O=Cc1ccccc1", "CCC=O"]

AMIDE = "[C:1](=[O:2])-[N;+0:3]>>[C:1](=[O:2])-[OH].[N;+0:3]"
ESTER = "[C:1](=[O:2])-[O;D2;+0:3]-[C:4]>>[C:1](=[O:2])-[OH].[OH;+0:3]-[C:4]"
ETHER = "[c:1]-[O;D2;+0:2]-[CH2,CH3;+0:3]>>[c:1]-[OH;+0:2].Br-[C;+0:3]"
ALCOHOL = "[CH1,CH2;D2,D3;+0:1]-[OH;+0:2]>>[C;+0:1]=[O;+0:2]"

FORWARD = {
    AMIDE: ("[C:1](=[O:2])[OH].[N;!H0:3]>>[C:1](=[O:2])[N:3]", ACIDS, AMINES),
    ESTER: ("[C:1](=[O:2])[OH].[OH:3][CX4:4]>>[C:1](=[O:2])[O:3][C:4]", ACIDS, ALCOHOLS),
    ETHER: ("[c:1][OH:2].Br[C:3]>>[c:1][O:2][C:3]", PHENOLS, HALIDES),
    ALCOHOL: ("[C:1]=[O:2]>>[C:1][O:2]", KETONES, None),
}


def organic_reactions():
    """Return (product, reactants, template) of every combination."""
    from rdkit import Chem
    from rdkit.Chem import rdChemReactions

    rows = []
    for template, (forward, first, second) in FORWARD.items():
        rule = rdChemReactions.ReactionFromSmarts(forward)
        for pair in product(first, second) if second else ((one,) for one in first):
            made = rule.RunReactants([Chem.MolFromSmiles(text) for text in pair])[0][0]
            Chem.SanitizeMol(made)
            rows.append((Chem.MolToSmiles(made), ".".join(pair), template))
    return rows


@pytest.fixture(scope="session")
def organic_table(tmp_path_factory) -> Path:
    """Return a CSV file of organic reactions: of five rows three train, one validates and one tests."""
    pytest.importorskip("rdchiral", reason="needs the extra 'organic'")
    frame = pd.DataFrame(organic_reactions(), columns=["product", "reactants", "template"])
    frame["split"] = [{3: "valid", 4: "test"}.get(place % 5, "train") for place in range(len(frame))]
    path = tmp_path_factory.mktemp("organic") / "reactions.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """A configuration that trains in about a second, on a sixth of the textbook reactions."""
    folder = tmp_path_factory.mktemp("runs")
    textbook = load_table("textbook")
    textbook.select(range(0, len(textbook), 6)).write(folder / "reactions.csv")
    return RunConfig(
        name="tiny",
        output=str(folder / "tiny"),
        data=DataConfig(table=str(folder / "reactions.csv"), split="random"),
        model=ModelConfig(width=16, layers=1, heads=1, feedforward=1, statistics=True),
        training=TrainingConfig(
            epochs=2,
            batch_size=256,
            negatives_per_positive=4,
            sampler="element_matched",
            validation_targets=10,
            learning_rate=1e-2,
        ),
        evaluation=EvaluationConfig(subsets=["validation", "test"]),
    )


@pytest.fixture(scope="session")
def finished(tiny: RunConfig) -> RunResult:
    """The run of that configuration."""
    return train_run(tiny)


@pytest.fixture(scope="session")
def run_folder(finished: RunResult) -> Path:
    """Its folder."""
    return finished.folder


@pytest.fixture(scope="session")
def two_stages(tiny: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """The same with several decoders and a second stage that ranks whole sets."""
    return replace(
        tiny,
        name="two",
        output=str(tmp_path_factory.mktemp("two") / "run"),
        model=replace(tiny.model, n_decoders=2),
        training=replace(tiny.training, encoder_learning_rate=0.0),
        reranker=RerankerConfig(
            enabled=True,
            trees=TreesConfig(n_trees=3, depth=2, max_leaves=4, min_samples_leaf=2),
            model=ListwiseNetworkConfig(width=8),
            training=RerankingConfig(epochs=3, batch_size=16, candidates=8, ema_decay=0.5),
        ),
        evaluation=replace(tiny.evaluation, mode="listwise"),
    )


@pytest.fixture(scope="session")
def ranked(two_stages: RunConfig) -> RunResult:
    """The run of that configuration."""
    return train_run(two_stages)
