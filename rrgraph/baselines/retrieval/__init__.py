"""Systems that adapt the precursor sets of similar targets."""
