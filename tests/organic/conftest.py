"""A small table of textbook reactions: amides, esters, ethers and alcohols from common building blocks."""

from itertools import product

import pandas as pd
import pytest

pytest.importorskip("rdkit", reason="needs the extra 'organic'")
pytest.importorskip("rdchiral", reason="needs the extra 'organic'")

from rdkit import Chem, RDLogger
from rdkit.Chem import rdChemReactions

from rrgraph.organic import load_template_table

RDLogger.DisableLog("rdApp.*")

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

_FORWARD = {
    AMIDE: ("[C:1](=[O:2])[OH].[N;!H0:3]>>[C:1](=[O:2])[N:3]", ACIDS, AMINES),
    ESTER: ("[C:1](=[O:2])[OH].[OH:3][CX4:4]>>[C:1](=[O:2])[O:3][C:4]", ACIDS, ALCOHOLS),
    ETHER: ("[c:1][OH:2].Br[C:3]>>[c:1][O:2][C:3]", PHENOLS, HALIDES),
    ALCOHOL: ("[C:1]=[O:2]>>[C:1][O:2]", KETONES, None),
}


def reactions():
    """Return (product, reactants, template) of every combination."""
    rows = []
    for template, (forward, first, second) in _FORWARD.items():
        rule = rdChemReactions.ReactionFromSmarts(forward)
        for pair in product(first, second) if second else ((one,) for one in first):
            made = rule.RunReactants([Chem.MolFromSmiles(text) for text in pair])[0][0]
            Chem.SanitizeMol(made)
            rows.append((Chem.MolToSmiles(made), ".".join(pair), template))
    return rows


@pytest.fixture(scope="session")
def table_path(tmp_path_factory):
    """A CSV file, every fifth row for validation and every fifth for testing."""
    frame = pd.DataFrame(reactions(), columns=["product", "reactants", "template"])
    frame["split"] = [{3: "valid", 4: "test"}.get(place % 5, "train") for place in range(len(frame))]
    path = tmp_path_factory.mktemp("organic") / "reactions.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def split(table_path):
    """The parts of the table."""
    return load_template_table(table_path)
