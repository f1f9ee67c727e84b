"""Chemistry of one material: parsing formulas, balancing equations, batch masses, energies of gases."""

from rrgraph.chem.atmospheres import ATMOSPHERES, as_atmosphere, read_atmosphere
from rrgraph.chem.balance import BalanceError, balance
from rrgraph.chem.canonical import TOLERANCE, canonical_key
from rrgraph.chem.carbon import carbon_source, supplies_carbon
from rrgraph.chem.charges import ALKALI, ALKALINE_EARTHS, HALOGENS, NOBLE_GASES, common_halide
from rrgraph.chem.composition import Composition, Dopant
from rrgraph.chem.elements import ATOMIC_NUMBERS, ELEMENTS, VOLATILE, element_system, source_elements
from rrgraph.chem.equation import BalancedEquation
from rrgraph.chem.formula import FormulaWarning, composition_from_amounts, format_amount, parse_formula
from rrgraph.chem.gases import ATMOSPHERE, BYPRODUCTS, Atmosphere
from rrgraph.chem.generation.plausible import plausible_by_class, plausible_precursors
from rrgraph.chem.hydrates import anhydrous
from rrgraph.chem.mass import added_mass, batch_masses, molar_mass
from rrgraph.chem.materials import (
    Material,
    as_composition,
    as_compositions,
    is_material,
    is_structure_file,
    read_structure,
)
from rrgraph.chem.matrices import fraction_matrix
from rrgraph.chem.measured import SolidData, measured_solids, thermal_energy, thermal_uncertainty
from rrgraph.chem.oxygen import oxygen_values
from rrgraph.chem.reagents import (
    REAGENT_CLASSES,
    Reagent,
    find_class,
    find_reagent,
    reagent_classes,
    reagent_library,
    usual_spelling,
)
from rrgraph.chem.salts import SALTS, byproduct_elements, read_byproducts
from rrgraph.chem.separators import split_terms
from rrgraph.chem.thermo import (
    GASES,
    KJ_PER_EV,
    GasData,
    as_temperature,
    check_temperature,
    gas_energy,
    gas_uncertainty,
    solid_uncertainty,
)
from rrgraph.chem.word_vectors import element_vectors

__all__ = [
    "ALKALI",
    "ALKALINE_EARTHS",
    "ATMOSPHERE",
    "ATMOSPHERES",
    "ATOMIC_NUMBERS",
    "BYPRODUCTS",
    "ELEMENTS",
    "GASES",
    "HALOGENS",
    "KJ_PER_EV",
    "NOBLE_GASES",
    "REAGENT_CLASSES",
    "SALTS",
    "TOLERANCE",
    "VOLATILE",
    "Atmosphere",
    "BalanceError",
    "BalancedEquation",
    "Composition",
    "Dopant",
    "FormulaWarning",
    "GasData",
    "Material",
    "Reagent",
    "SolidData",
    "added_mass",
    "anhydrous",
    "as_atmosphere",
    "as_composition",
    "as_compositions",
    "as_temperature",
    "balance",
    "batch_masses",
    "byproduct_elements",
    "canonical_key",
    "carbon_source",
    "check_temperature",
    "common_halide",
    "composition_from_amounts",
    "element_system",
    "element_vectors",
    "find_class",
    "find_reagent",
    "format_amount",
    "fraction_matrix",
    "gas_energy",
    "gas_uncertainty",
    "is_material",
    "is_structure_file",
    "measured_solids",
    "molar_mass",
    "oxygen_values",
    "parse_formula",
    "plausible_by_class",
    "plausible_precursors",
    "read_atmosphere",
    "read_byproducts",
    "read_structure",
    "reagent_classes",
    "reagent_library",
    "solid_uncertainty",
    "source_elements",
    "split_terms",
    "supplies_carbon",
    "thermal_energy",
    "thermal_uncertainty",
    "usual_spelling",
]
