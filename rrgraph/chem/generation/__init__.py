"""Generation of plausible precursors from the charges of the elements."""
