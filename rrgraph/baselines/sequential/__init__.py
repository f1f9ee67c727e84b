"""Sequential generation of precursor sets."""
