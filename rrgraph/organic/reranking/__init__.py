"""The re-ranker of reactant sets."""
