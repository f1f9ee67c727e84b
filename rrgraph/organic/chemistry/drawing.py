"""Draws suggested reactions and routes as SVG."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from rrgraph.organic.chemistry.molecules import read_molecule

if TYPE_CHECKING:
    from rrgraph.organic.routes.route import Route

__all__ = ["draw_reaction", "draw_route"]

_WIDTH, _HEIGHT = 320, 240
_CAPTION = 24


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


def draw_route(route: Route) -> str:
    """Return an SVG with the reactions of a route below each other, in the order in which they are done.

    A caption says the probability of each step and which molecules are from stock.

    Raises:
        MoleculeError: a molecule cannot be read.
    """
    stock = set(route.starting_materials)
    pieces, top, width = [], 0, 0
    for number, step in enumerate(reversed(route.steps), start=1):
        drawing = draw_reaction(step.product, ".".join(step.reactants))
        width = max(width, _WIDTH * (len(step.reactants) + 1))
        taken = [each for each in step.reactants if each in stock]
        caption = f"{number}. probability {100 * step.probability:.1f} %"
        caption += f"; from stock: {', '.join(taken)}" if taken else ""
        pieces.append(f'<text x="8" y="{top + 17}" font-family="sans-serif" font-size="14">{escape(caption)}</text>')
        pieces.append(_placed(drawing, top + _CAPTION))
        top += _HEIGHT + _CAPTION
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{top}" viewBox="0 0 {width} {top}">'
        f'<rect width="{width}" height="{top}" fill="#FFFFFF"/>{"".join(pieces)}</svg>\n'
    )


def _placed(drawing: str, top: int) -> str:
    """Return a drawing as part of another one, so far below its upper edge."""
    inner = drawing[drawing.index("<svg") :]
    return re.sub(r"^<svg", f'<svg y="{top}"', inner)
