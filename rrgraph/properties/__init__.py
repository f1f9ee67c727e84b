"""Computed properties of materials: tables, the multi-task property model, predictions with uncertainties."""

from rrgraph.properties.answers import PropertyAnswer, property_answer, with_uncertainty
from rrgraph.properties.checkpoint import (
    PROPERTY_FORMAT,
    PropertyCheckpoint,
    load_property_checkpoint,
    save_property_checkpoint,
)
from rrgraph.properties.energy_head import EnergyHead, reaction_energies
from rrgraph.properties.model import PropertyModel, PropertyOutput, pool_fractions
from rrgraph.properties.names import class_name, is_built_in, property_name, shown_tasks
from rrgraph.properties.predictor import PropertyPrediction, PropertyPredictor
from rrgraph.properties.scaling import TargetScale
from rrgraph.properties.tables.reader import read_properties
from rrgraph.properties.tables.sources import PROPERTY_SOURCES, built_in_sources, user_sources
from rrgraph.properties.tables.table import PropertyReport, PropertyTable, SourceReport
from rrgraph.properties.tables.tasks import PropertySource, PropertyTask

__all__ = [
    "PROPERTY_FORMAT",
    "PROPERTY_SOURCES",
    "EnergyHead",
    "PropertyAnswer",
    "PropertyCheckpoint",
    "PropertyModel",
    "PropertyOutput",
    "PropertyPrediction",
    "PropertyPredictor",
    "PropertyReport",
    "PropertySource",
    "PropertyTable",
    "PropertyTask",
    "SourceReport",
    "TargetScale",
    "built_in_sources",
    "class_name",
    "is_built_in",
    "load_property_checkpoint",
    "pool_fractions",
    "property_answer",
    "property_name",
    "reaction_energies",
    "read_properties",
    "save_property_checkpoint",
    "shown_tasks",
    "user_sources",
    "with_uncertainty",
]
