"""The re-ranker of reactant sets: features of a set, precedents among training reactions, gradient-boosted trees."""
