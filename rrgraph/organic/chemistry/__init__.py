"""Molecules: reading SMILES, fingerprints, tokens, matching and applying templates, drawings (RDKit, rdchiral-plus)."""
