"""Answers questions with plans and what is known of precursors: one object behind page, API and tools.

It is not safe to be used from several threads; `Worker` gives it one.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeVar

import rrgraph as rr
from rrgraph.app.browsing import LiteratureIndex, literature_index
from rrgraph.app.explanation import Explanation, explain_set
from rrgraph.app.questions import Question
from rrgraph.app.shelf import read_shelf, shelf_of_file
from rrgraph.app.substitutes import Substitute, find_substitutes
from rrgraph.chem import (
    Atmosphere,
    BalancedEquation,
    Composition,
    FormulaWarning,
    is_structure_file,
    molar_mass,
    parse_formula,
)
from rrgraph.data import KnownReaction, KnownReactions
from rrgraph.errors import ConfigError, DataWarning, FormulaError, RRGraphError
from rrgraph.lab import StockItem
from rrgraph.models import DEFAULT_MODEL, Model, energy_source, literature_source, model_card
from rrgraph.planning import EnergySource, PlannedSet, SynthesisPlan, read_routes
from rrgraph.properties import PropertyAnswer, PropertyPredictor, property_answer, shown_tasks
from rrgraph.reranking import EnsembleReranker

if TYPE_CHECKING:  # it takes a second to import, and materials do not need it
    from rrgraph.organic import ProductPlan, ReactantPlanner

__all__ = ["Planned", "Reading", "Service"]

T = TypeVar("T")

Planned: TypeAlias = tuple[SynthesisPlan, tuple[str, ...]]
"""A plan, and what was assumed when its target and the options were read."""

_MOST_KEPT: Final = 512
"""Answers that are kept, some 50 kB each."""
_MOST_SHELVES: Final = 4


class Reading(NamedTuple):
    """How a formula is read.

    Attributes:
        composition: what was read.
        notes: what was assumed.
        molar_mass: g/mol.
    """

    composition: Composition
    notes: tuple[str, ...]
    molar_mass: float


class Service:
    """Plans with one model, whose parts are loaded when they are first needed.

    >>> service = Service()
    >>> (plan,), notes = service.plan(Question(targets=("BaTiO3",), top_k=2, energies=False))
    >>> [str(found) for found in plan], notes
    (['TiO2 + BaCO3', 'TiO2 + BaO'], ())

    Args:
        model: name of a bundled model, or a run folder.
        device: where it computes.
        molecules: what plans molecules, None where they cannot be asked for.
    """

    def __init__(
        self, model: str = DEFAULT_MODEL, *, device: str = "auto", molecules: ReactantPlanner | None = None
    ) -> None:
        self.name, self.device, self.molecules = model, device, molecules
        self._kept = _Kept()
        self._energies: dict[str | None, EnergySource] = {}
        self._shelves: dict[str, tuple[list[StockItem], list[str]]] = {}

    @cached_property
    def model(self) -> Model:
        """The model that plans."""
        return rr.load_model(self.name, device=self.device)

    @cached_property
    def encoder(self) -> PropertyPredictor:
        """The model that predicts properties."""
        return rr.load_encoder(device=self.device)

    @cached_property
    def literature(self) -> KnownReactions:
        """The recorded reactions that come with the package."""
        found = literature_source(None)
        assert isinstance(found, KnownReactions)
        return found

    @cached_property
    def index(self) -> LiteratureIndex:
        """The same by precursor and by element."""
        return literature_index(self.literature)

    @cached_property
    def card(self) -> str:
        """The card of the model, as Markdown."""
        return model_card(self.name)

    def warm_up(self) -> None:
        """Load what the first answer needs."""
        self.plan(Question(targets=("BaTiO3",)))

    @property
    def atmospheres(self) -> tuple[Atmosphere, ...]:
        """The atmospheres that the model learned from; none while it is not loaded, or takes no atmosphere."""
        if "model" not in self.__dict__:
            return ()
        reranker = self.model.reranker
        return reranker.network.atmospheres if isinstance(reranker, EnsembleReranker) else ()

    def read(self, text: str) -> Reading:
        """Return how a formula is read.

        Raises:
            FormulaError: it is not a valid formula.
        """
        with _collected_warnings() as notes:
            composition = _formula(text)
        return Reading(composition, tuple(notes), molar_mass(composition))

    def plan(self, question: Question) -> tuple[list[SynthesisPlan], tuple[str, ...]]:
        """Return the plan of each target, and what was assumed; a target that cannot be read has the reason as message.

        Raises:
            RRGraphError: an option cannot be used.
        """
        found = self.plan_each([(target, question.options) for target in question.targets])
        notes = dict.fromkeys(note for _, own in found for note in own)
        return [plan for plan, _ in found], tuple(notes)

    def kept(self, asked: Iterable[tuple[str, Question]]) -> list[Planned] | None:
        """Return answers that are kept from earlier, None unless all are; any thread may ask.

        Args:
            asked: targets and options.
        """
        found = [self._kept.get(("plan", target, options.digest)) for target, options in asked]
        return None if None in found else found

    def plan_each(self, asked: Sequence[tuple[str, Question]]) -> list[Planned]:
        """Return plan and notes of each target with the same options; those that are new are planned together.

        Raises:
            RRGraphError: an option cannot be used.
        """
        found: dict[Hashable, Planned] = {}
        new: dict[Hashable, tuple[Composition, list[str]]] = {}
        keys = [("plan", target, options.digest) for target, options in asked]
        for key in keys:
            if (known := self._kept.get(key)) is not None:
                found[key] = known
                continue
            try:
                with _collected_warnings() as notes:
                    new[key] = _formula(key[1]), notes
            except FormulaError as error:
                found[key] = SynthesisPlan(target=key[1], message=str(error)), ()
        if new:
            with _collected_warnings() as shared:
                plans = self._planned([target for target, _ in new.values()], asked[0][1])
            for (new_key, (_, notes)), plan in zip(new.items(), plans, strict=True):
                found[new_key] = self._kept.put(new_key, (plan, (*dict.fromkeys([*notes, *shared]),)))
        return [found[key] for key in keys]

    def _planned(self, targets: Sequence[Composition], options: Question) -> list[SynthesisPlan]:
        for name in ("exclude", "require", "byproducts"):
            with _about(name):
                _refuse_files(getattr(options, name))
        stock = None if options.stock is None else self.shelf(options.stock)
        plans = self.model.plan(
            list(targets),
            top_k=options.top_k,
            exclude=options.exclude,
            require=options.require,
            stock=stock,
            set_size=options.set_size,
            atmosphere=options.atmosphere,
            balanced=options.balanced,
            byproducts=options.byproducts,
            energies=self._energy_source(options.temperature) if options.energies else False,
            literature=self.literature,
            routes=options.routes,
        )
        for plan in plans:  # here, and not in the thread that writes the answers
            _ = [found.conditions for found in plan]
        return plans

    def _energy_source(self, temperature: str | None) -> EnergySource:
        if temperature not in self._energies:
            with _about("temperature"):
                source = energy_source(True, temperature=temperature)
            assert source is not None
            while len(self._energies) >= 8:
                self._energies.pop(next(iter(self._energies)))
            self._energies[temperature] = source
        return self._energies[temperature]

    def shelf(self, text: str) -> list[StockItem]:
        """Return what is on a shelf, given as text; the last ones are kept.

        Raises:
            RequestError: it cannot be read.
        """
        if text not in self._shelves:
            with _collected_warnings() as notes:
                found = read_shelf(text)
            while len(self._shelves) >= _MOST_SHELVES:
                self._shelves.pop(next(iter(self._shelves)))
            self._shelves[text] = found, notes
        found, notes = self._shelves[text]
        for note in notes:
            warnings.warn(note, DataWarning, stacklevel=2)
        return found

    def shelf_of_file(self, name: str, content: bytes) -> tuple[str, tuple[str, ...]]:
        """Return an uploaded shelf as text, and what could not be read of it.

        Raises:
            RequestError: it cannot be read, or is too long.
        """
        with _collected_warnings() as notes:
            text = shelf_of_file(name, content)
        return text, tuple(notes)

    def balance(self, target: str, precursors: Sequence[str], byproducts: Sequence[str] = ()) -> BalancedEquation:
        """Return the balanced equation.

        Raises:
            RRGraphError: a formula cannot be read, or there is no solution.
        """
        with _about("byproducts"):
            _refuse_files(byproducts)
        return rr.balance(_formula(target), [_formula(each) for each in precursors], byproducts=tuple(byproducts))

    def planned_set(self, question: Question, route: str) -> tuple[PlannedSet, SynthesisPlan]:
        """Return one chosen precursor set of the first target, with its probability.

        Raises:
            RRGraphError: the target, the set or an option cannot be read.
        """
        asked = question.model_copy(update={"targets": question.targets[:1], "routes": (route,), "stock": None})
        ((plan,), _) = self.plan(asked)
        return plan.best, plan

    def substitutes(self, question: Question, route: str, *, most: int = 4) -> dict[str, list[Substitute]]:
        """Return what could replace each member of a set, and the probability of the set that results.

        Raises:
            RRGraphError: the target, the set or an option cannot be read.
        """
        target = _formula(question.targets[0])
        (members,) = read_routes(route)

        def work() -> dict[str, list[Substitute]]:
            _refuse_files([*question.exclude, *question.require, *question.byproducts])
            return find_substitutes(
                self._model_for(question),
                target,
                members,
                rr.Constraints().narrowed(exclude=question.exclude, balanced=True, byproducts=question.byproducts),
                usage=self.model.count,
                most=most,
            )

        return self._kept_or(("substitutes", target.key, str(members), question.options.digest, most), work)

    def explain(self, question: Question, route: str) -> Explanation | None:
        """Return why a set has its probability; None where a re-ranker did not give it.

        Raises:
            RRGraphError: the target or the set cannot be read.
        """
        target = _formula(question.targets[0])
        (members,) = read_routes(route)

        def work() -> Explanation | None:
            return explain_set(self._model_for(question), target, members, self.index)

        return self._kept_or(("why", target.key, str(members), question.atmosphere), work)

    def _model_for(self, question: Question) -> Model:
        """Return the model that knows of the atmosphere that a question names."""
        return self.model.in_atmosphere(question.atmosphere) if question.atmosphere else self.model

    def precedents(self, target: str, count: int = 10) -> list[KnownReaction]:
        """Return the recorded reactions nearest to a target.

        Raises:
            FormulaError: the target cannot be read.
        """
        return self.literature.nearest([_formula(target)], count)[0]

    def properties(self, formula: str, *, every: bool = False) -> list[PropertyAnswer]:
        """Return predicted properties of a composition.

        Raises:
            FormulaError: the formula cannot be read.
        """
        composition = _formula(formula)
        predictions = self.encoder.predict([composition])
        tasks = shown_tasks(self.encoder.tasks, every=every)
        return [property_answer(predictions[task.name], 0) for task in tasks]

    @property
    def reactant_planner(self) -> ReactantPlanner:
        """What plans molecules.

        Raises:
            ConfigError: there is none.
        """
        if self.molecules is None:
            raise ConfigError(
                "Molecules need a model of their own: start the page with 'rrgraph serve --molecules FOLDER', the run "
                "folder of a model of templates."
            )
        return self.molecules

    def plan_molecules(self, products: Sequence[str], *, top_k: int) -> list[ProductPlan]:
        """Return the sets of reactants of each molecule; one that cannot be read has the reason as error.

        Args:
            products: SMILES.
            top_k: sets of each molecule at most.

        Raises:
            ConfigError: there is no model for molecules.
        """
        planner = self.reactant_planner
        from rrgraph.organic import plan_products

        found = {text: self._kept.get(("molecule", text, top_k)) for text in products}
        new = [text for text, plan in found.items() if plan is None]
        for text, plan in plan_products(planner, new, top_k=top_k).items():
            found[text] = self._kept.put(("molecule", text, top_k), plan)
        return [found[text] for text in products]

    def _kept_or(self, key: Hashable, work: Callable[[], T]) -> T:
        found: T | None = self._kept.get(key)
        return self._kept.put(key, work()) if found is None else found


class _Kept:
    """The answers of late, at most `_MOST_KEPT`."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def put(self, key: Hashable, value: T) -> T:
        with self._lock:
            self._answers[key] = value
            while len(self._answers) > _MOST_KEPT:
                self._answers.popitem(last=False)
        return value


@contextmanager
def _collected_warnings() -> Iterator[list[str]]:
    """Collect what is said of formulas and files within, for people."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        for category in (FormulaWarning, DataWarning):
            warnings.simplefilter("always", category)
        try:
            yield notes
        finally:
            notes += dict.fromkeys(str(each.message) for each in caught)


@contextmanager
def _about(option: str) -> Iterator[None]:
    """Say of errors within which option they are about."""
    try:
        yield
    except RRGraphError as error:
        error.option = error.option or option
        raise


def _formula(text: str) -> Composition:
    """Return a typed formula; names of files are none here.

    Raises:
        FormulaError: it is not a valid formula.
    """
    return parse_formula(text)


def _refuse_files(names: Iterable[str]) -> None:
    """Refuse what elsewhere is the name of a structure file: a request reads no file of this computer.

    Raises:
        FormulaError: there is such a name.
    """
    for name in (part.strip() for each in names for part in each.split(",")):
        if is_structure_file(name):
            raise FormulaError(f"'{name[:80]}' is not a valid formula.")
