"""The glossary of the report, and the rules of a protocol in sentences."""

from __future__ import annotations

from typing import Final

from rrgraph.evaluation import Protocol

__all__ = ["GLOSSARY", "describe_flags"]

GLOSSARY: Final = {
    "target": "The material to be made, given by its composition.",
    "precursor": "A starting material of a synthesis, such as Li2CO3.",
    "precursor set": "All precursors used together to make a target; a set counts as found only if it matches exactly.",
    "recorded set": "The precursor set that a publication reports for the target. Other sets may work too, but they "
    "are not recorded and count as misses.",
    "row": "One recorded synthesis: a target and a precursor set.",
    "candidate": "A precursor that may be used in sets.",
    "top-K": "Share of rows whose recorded set is among the first K sets that a system lists.",
    "unseen precursor": "A precursor in no training row. Systems that choose from a fixed list cannot propose it.",
    "element system": "The set of elements of a target, such as Fe-Li-O-P.",
    "split": "The division of rows into training, validation (for choosing settings) and test rows.",
    "protocol": "The rules by which a list of sets is compared with the recorded one.",
    "seed": "Number that fixes all random choices; several seeds show how much results vary by chance.",
    "± deviation": "Standard deviation over seeds.",
    "95 % interval": "Range of the value in 95 of 100 bootstrap resamples of the targets.",
    "link probability": "Probability a model gives to a target being made from a precursor, whatever the other members "
    "of the set.",
    "calibration error (ece)": "Mean difference between the probability of first sets and the share of them that is "
    "recorded; 0 is perfect.",
}

_FLAGS: Final = {
    ("set_size", "known"): "The number of precursors of the recorded set is known to the system.",
    ("set_size", "unknown"): "The number of precursors is unknown; sets of 1 to {max_size} compete.",
    ("cover", "strict"): "The precursors must supply every element of the target.",
    ("cover", "exempt"): "H, O, N and the C of carbonates may come from the atmosphere.",
    ("foreign", "allowed"): "Precursors may contain elements that the target lacks.",
    ("foreign", "forbidden"): "Precursors may not contain elements that the target lacks (except C, H, O and N).",
    ("ties", "optimistic"): "Among sets with equal scores, the recorded one comes first.",
    ("ties", "pessimistic"): "Among sets with equal scores, the recorded one comes last.",
    ("candidates", "library"): "Candidates are the precursors of the training rows and the bundled reagents.",
    ("candidates", "generated"): "Candidates are plausible compounds of the target's elements.",
    ("truth", "row"): "Only the row's own recorded set counts.",
    ("truth", "any"): "Any set recorded for the target counts.",
}


def describe_flags(protocol: Protocol) -> list[str]:
    """Return the rules of a protocol, one sentence each."""
    flags = protocol.to_dict()
    sentences = [text.format(**flags) for (flag, value), text in _FLAGS.items() if flags[flag] == value]
    most = protocol.max_candidates
    pool = f"the {most} most probable candidates" if most else "all candidates"
    return [*sentences[:1], f"Sets are formed from {pool}.", *sentences[1:]]
