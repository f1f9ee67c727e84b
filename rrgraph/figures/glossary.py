"""Words of the report: terms and the flags of a protocol flow in, sentences for a reader who was not there flow out."""

from __future__ import annotations

from typing import Final

from rrgraph.evaluation import Protocol

__all__ = ["GLOSSARY", "describe_flags"]

GLOSSARY: Final = {
    "target": "The material to be made, given by its composition.",
    "precursor": "A starting material of a synthesis, such as Li2CO3.",
    "precursor set": "The precursors that together make a target; a set is right only if all of its members are.",
    "recorded set": "The precursor set that a publication reports for the target. Other sets may work too; "
    "the literature does not say so, and they count as wrong.",
    "row": "One recorded synthesis: a target and a precursor set.",
    "candidate": "A precursor that sets may be made of.",
    "top-K": "Share of rows whose recorded set is among the first K sets that a system lists.",
    "unseen precursor": "One that occurs in no training row. Systems that choose from a fixed list cannot propose it.",
    "element system": "The set of elements of a target, such as Fe-Li-O-P.",
    "split": "How rows are divided into those that teach, those that help to choose (validation) and those that test.",
    "protocol": "The rules by which a list of sets is compared with the recorded one.",
    "seed": "Number that fixes everything drawn at random; several seeds show how much of a difference is luck.",
    "± deviation": "Standard deviation over seeds.",
    "95 % interval": "Where the value would lie in 95 of 100 repetitions with other targets (bootstrap over targets).",
    "link probability": "How sure a model is that a precursor belongs to a target, whatever the rest of the set.",
    "calibration error (ece)": "Mean difference between the probability of first sets and the share of them that is "
    "recorded; 0 is perfect.",
}

_FLAGS: Final = {
    ("set_size", "known"): "The system is told how many precursors the recorded set has.",
    ("set_size", "unknown"): "The system does not know the number of precursors; sets of 1 to {max_size} compete.",
    ("cover", "strict"): "The precursors have to bring every element of the target.",
    ("cover", "exempt"): "C, H, O and N may come from the atmosphere.",
    ("foreign", "allowed"): "Precursors may bring elements that the target lacks.",
    ("foreign", "forbidden"): "Precursors may not bring elements that the target lacks (C, H, O and N aside).",
    ("ties", "optimistic"): "Where sets score the same, the recorded one comes first.",
    ("ties", "pessimistic"): "Where sets score the same, the recorded one comes last.",
    ("truth", "row"): "Only the row's own recorded set is right.",
    ("truth", "any"): "Any set recorded for the target is right.",
}


def describe_flags(protocol: Protocol) -> list[str]:
    """Return the rules of a protocol, a sentence each."""
    flags = protocol.to_dict()
    sentences = [text.format(**flags) for (flag, value), text in _FLAGS.items() if flags[flag] == value]
    most = protocol.max_candidates
    pool = f"the {most} candidates that it finds most probable" if most else "the whole list of candidates"
    return [*sentences[:1], f"A system makes sets of {pool}.", *sentences[1:]]
