"""Reagents: a library with usual spellings, names and CAS numbers, and classes such as nitrates or toxic."""

from rrgraph.chem.reagents.classes import REAGENT_CLASSES, find_class, reagent_classes
from rrgraph.chem.reagents.library import Reagent, find_reagent, reagent_library, usual_spelling

__all__ = [
    "REAGENT_CLASSES",
    "Reagent",
    "find_class",
    "find_reagent",
    "reagent_classes",
    "reagent_library",
    "usual_spelling",
]
