"""Draws suggested reactions as SVG."""

from __future__ import annotations

from rrgraph.organic.chemistry.molecules import read_molecule

__all__ = ["draw_reaction"]

_WIDTH, _HEIGHT = 320, 240


def draw_reaction(product: str, reactants: str) -> str:
    """Return an SVG that shows reactants, an arrow and the product.

    Args:
        product: SMILES.
        reactants: SMILES joined by dots.

    Raises:
        MoleculeError: one of them cannot be read.
    """
    for smiles in (product, reactants):
        read_molecule(smiles)
    from rdkit.Chem import rdChemReactions
    from rdkit.Chem.Draw import rdMolDraw2D

    reaction = rdChemReactions.ReactionFromSmarts(f"{reactants}>>{product}", useSmiles=True)
    molecules = reactants.count(".") + 2
    canvas = rdMolDraw2D.MolDraw2DSVG(_WIDTH * molecules, _HEIGHT)
    canvas.DrawReaction(reaction)
    canvas.FinishDrawing()
    return str(canvas.GetDrawingText())
