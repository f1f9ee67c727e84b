"""Single-step retrosynthesis of molecules as link prediction between products and reaction templates.

`table`, `graph` and `popularity` hold the reactions, their bipartite graph and a baseline; `config`, `encoders`,
`learning`, `model` and `predictor` the dual encoder, its training and prediction; `planner` and `evaluation` turn
ranked templates into ranked sets of reactants and measure them, `suggestions` are the records of a plan. `chemistry`
reads molecules and applies templates, `extraction` takes templates from reactions, `sites` scores templates at each
site of a product, `reranking` re-ranks sets of reactants, `routes` plans several steps, and `run` trains and measures a
configuration.
"""

from rrgraph.organic.alternatives import alternative_links
from rrgraph.organic.chemistry.application import TemplateApplier, apply_template, default_cache
from rrgraph.organic.chemistry.drawing import draw_reaction, draw_route
from rrgraph.organic.chemistry.fingerprints import FRAGMENTS
from rrgraph.organic.chemistry.general_templates import general_template
from rrgraph.organic.chemistry.matching import known_matches, match_templates, matching_mask
from rrgraph.organic.chemistry.molecules import MoleculeError, canonical_product, canonical_reactants, canonical_smiles
from rrgraph.organic.chemistry.template_key import merge_templates, template_key
from rrgraph.organic.chemistry.tokens import TOKENS
from rrgraph.organic.config import (
    ReactantRerankerConfig,
    SearchConfig,
    SiteConfig,
    TemplateModelConfig,
    TextEncoderConfig,
)
from rrgraph.organic.encoders import TEXT_ENCODERS, TextEncoder
from rrgraph.organic.evaluation import (
    DEPTHS,
    FREQUENCY_BINS,
    TemplateMetrics,
    applied_templates,
    compare_systems,
    evaluate_reactions,
    frequency_bin,
)
from rrgraph.organic.extraction.extract import (
    LIBRARY_SUFFIXES,
    Extraction,
    TemplateRow,
    extract_template,
    extract_templates,
)
from rrgraph.organic.extraction.mapping import AtomMapper, RxnMapper
from rrgraph.organic.extraction.reactions import (
    CleanReaction,
    RawReaction,
    ReactionError,
    clean_reaction,
    read_reactions,
)
from rrgraph.organic.graph import SOLVED_BY, TemplateGraph, build_template_graph
from rrgraph.organic.graph_encoders import GraphEncoder, GraphFingerprintEncoder
from rrgraph.organic.learning import TemplateLearner
from rrgraph.organic.model import (
    TEMPLATE_FORMAT,
    TemplateCheckpoint,
    load_template_checkpoint,
    save_template_checkpoint,
)
from rrgraph.organic.planner import (
    MERGES,
    ReactantPlanner,
    ReactantSet,
    SetReranker,
    TemplateScorer,
    Transformation,
)
from rrgraph.organic.popularity import TemplatePopularity
from rrgraph.organic.predictor import SitePredictor, TemplatePredictor, template_planner, template_predictor
from rrgraph.organic.reranking.features import SET_FEATURES, SetDescriber
from rrgraph.organic.reranking.precedents import Precedents
from rrgraph.organic.reranking.reranker import ReactantReranker, fit_reranker
from rrgraph.organic.routes.route import Route, RouteSearch, RouteStep
from rrgraph.organic.routes.search import ALGORITHMS, RouteFinder, default_expansions, single_step_model
from rrgraph.organic.routes.stock import MOLECULE_COLUMNS, read_molecule_stock
from rrgraph.organic.sites.learning import SiteLearner
from rrgraph.organic.sites.model import SiteEncoder
from rrgraph.organic.suggestions import ProductPlan, Suggestion, plan_products, product_plan
from rrgraph.organic.table import SPLITS, TemplateReactions, TemplateSplit, count_reactions, load_template_table

__all__ = [
    "ALGORITHMS",
    "DEPTHS",
    "FRAGMENTS",
    "FREQUENCY_BINS",
    "LIBRARY_SUFFIXES",
    "MERGES",
    "MOLECULE_COLUMNS",
    "SET_FEATURES",
    "SOLVED_BY",
    "SPLITS",
    "TEMPLATE_FORMAT",
    "TEXT_ENCODERS",
    "TOKENS",
    "AtomMapper",
    "CleanReaction",
    "Extraction",
    "GraphEncoder",
    "GraphFingerprintEncoder",
    "MoleculeError",
    "Precedents",
    "ProductPlan",
    "RawReaction",
    "ReactantPlanner",
    "ReactantReranker",
    "ReactantRerankerConfig",
    "ReactantSet",
    "ReactionError",
    "Route",
    "RouteFinder",
    "RouteSearch",
    "RouteStep",
    "RxnMapper",
    "SearchConfig",
    "SetDescriber",
    "SetReranker",
    "SiteConfig",
    "SiteEncoder",
    "SiteLearner",
    "SitePredictor",
    "Suggestion",
    "TemplateApplier",
    "TemplateCheckpoint",
    "TemplateGraph",
    "TemplateLearner",
    "TemplateMetrics",
    "TemplateModelConfig",
    "TemplatePopularity",
    "TemplatePredictor",
    "TemplateReactions",
    "TemplateRow",
    "TemplateScorer",
    "TemplateSplit",
    "TextEncoder",
    "TextEncoderConfig",
    "Transformation",
    "alternative_links",
    "applied_templates",
    "apply_template",
    "build_template_graph",
    "canonical_product",
    "canonical_reactants",
    "canonical_smiles",
    "clean_reaction",
    "compare_systems",
    "count_reactions",
    "default_cache",
    "default_expansions",
    "draw_reaction",
    "draw_route",
    "evaluate_reactions",
    "extract_template",
    "extract_templates",
    "fit_reranker",
    "frequency_bin",
    "general_template",
    "known_matches",
    "load_template_checkpoint",
    "load_template_table",
    "match_templates",
    "matching_mask",
    "merge_templates",
    "plan_products",
    "product_plan",
    "read_molecule_stock",
    "read_reactions",
    "save_template_checkpoint",
    "single_step_model",
    "template_key",
    "template_planner",
    "template_predictor",
]
