"""Reactions, and the papers that report them, which several tests of runs share."""

ROWS = [
    ("LiCoO2", "Li2CO3;Co3O4", "a"),
    ("LiMn2O4", "LiOH;MnO2", "a"),
    ("BaTiO3", "BaCO3;TiO2", "b"),
    ("SrTiO3", "SrCO3;TiO2", "b"),
    ("LaMnO3", "La2O3;Mn2O3", None),
    ("LaCoO3", "La2O3;CoCO3", "c"),
    ("La2Li2TiO6", "La2O3;Li2CO3;TiO2", None),
    ("Li2TiO3", "LiOH;TiO2", None),
    ("BaMnO3", "BaO;MnO2", None),
    ("SrCoO3", "SrO;Co3O4", None),
]
