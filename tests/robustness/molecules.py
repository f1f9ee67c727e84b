"""Mutated SMILES and reaction templates."""

from __future__ import annotations

import random
from importlib.util import find_spec
from pathlib import Path

from rrgraph.errors import RRGraphError

from ..conftest import ACIDS, ALCOHOL, ALCOHOLS, AMIDE, AMINES, ESTER, ETHER, HALIDES, KETONES, PHENOLS
from .formulas import ALLOWED, HOSTILE
from .harness import Outcome, Unavailable, attack, refusals, run_cases

MOLECULES = [
    *(*ACIDS, *ALCOHOLS, *AMINES, *HALIDES, *KETONES, *PHENOLS),
    *(
        "CC(=O)Oc1ccccc1C(=O)O",
        "CN1C=NC2=C1C(=O)N(C(=O)N2C)C",
        "C[C@H](N)C(=O)O",
        "F/C=C/F",
        "[Na+].[Cl-]",
        "[2H]C([2H])Cl",
    ),
    *(
        "C1CC2CCC1C2",
        "c1ccc2ccccc2c1",
        "[CH3:1][C:2](=[O:3])[OH:4]",
        "O=[N+]([O-])c1ccccc1",
        "CC(C)(C)OC(=O)N1CCC(CC1)c1ccncc1",
    ),
    *(
        "C" * 200,
        "[Fe+2]",
        "[13CH4]",
        "[H][H]",
        "N#N",
        "CS(=O)(=O)c1ccc(cc1)C1=C(C(=O)OC1)c1ccccc1",
        "OB(O)c1ccccc1",
        "*CC",
        "C%12CCCC%12",
    ),
]
CHARACTERS = "CNOSPFclnos()[]{}=#$:/\\@+-.%0123456789HBrI*~ >"


def _mutated(text: str, choose: random.Random) -> str:
    for _ in range(choose.randint(1, 3)):
        place, other = choose.randrange(len(text) + 1), choose.choice(MOLECULES)
        match choose.randrange(6):
            case 0:
                text = text[:place] + choose.choice(CHARACTERS) + text[place:]
            case 1:
                text = text[:place] + text[place + 1 :]
            case 2:
                text = text[:place] + choose.choice(CHARACTERS) + text[place + 1 :]
            case 3:
                text = text[:place] + other[choose.randrange(len(other)) :] + text[place:]
            case 4:
                text = f"{text}.{other}" if choose.random() < 0.5 else text + other
            case _:
                text = text[place:] + text[:place]
    if choose.random() < 0.02:
        text = text[:3] + choose.choice(HOSTILE) + text[3:]
    return text


@attack("molecules", what="mutated SMILES", allowed=ALLOWED, full=20_000, quick=600, few=30)
def molecules(*, tries: int, seed: int, folder: Path) -> Outcome:
    """Read them, make them canonical, take their features, apply templates and draw what comes of it."""
    if find_spec("rdkit") is None or find_spec("rdchiral") is None:
        raise Unavailable("the extra 'organic' is not installed")
    from rrgraph.organic import (
        ReactantPlanner,
        SearchConfig,
        TemplateApplier,
        TemplatePopularity,
        clean_reaction,
        draw_reaction,
        extract_template,
    )
    from rrgraph.organic.chemistry.fingerprints import product_fragments, template_fragments
    from rrgraph.organic.chemistry.molecules import canonical_reactants, canonical_smiles

    templates = {AMIDE: 6, ESTER: 3, ETHER: 2, ALCOHOL: 1}
    planner = ReactantPlanner(TemplatePopularity(templates), TemplateApplier(), SearchConfig(), reactants={})

    def case(choose: random.Random, _: Path) -> None:
        text = _mutated(choose.choice(MOLECULES), choose)
        try:
            canonical = canonical_smiles(text)
            canonical_reactants(text)
        except RRGraphError as error:
            assert len(str(error)) < 1000, f"a sentence of {len(str(error))} characters"
            return
        assert canonical_smiles(canonical) == canonical or "@" in canonical or "/" in canonical, (
            f"not canonical\n{text!r}"
        )
        product_fragments(canonical, bits=256, radius=2)
        if choose.random() < 0.1:
            with refusals():
                reaction = clean_reaction(f"{text}>>{_mutated(choose.choice(MOLECULES), choose)}")
                assert not reaction.is_mapped or extract_template(reaction)
        if choose.random() < 0.05:
            with refusals():
                template_fragments(_mutated(choose.choice(list(templates)), choose), bits=256, radius=2)
        (found,) = planner.plan([canonical], top_k=3)
        if found and choose.random() < 0.1:
            assert draw_reaction(canonical, found[0].reactants).startswith("<?xml"), f"no drawing\n{text!r}"

    return run_cases("molecules", case, tries=tries, seed=seed, folder=folder, keep_files=False)
