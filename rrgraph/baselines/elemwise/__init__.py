"""ElemwiseRetro: anion templates chosen for each source element."""
