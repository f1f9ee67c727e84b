"""Scores templates at each site of a product, so that the outcomes of one template are distinguished.

`sites` finds the atoms that patterns match, `outcomes` what templates give there, `recorded` which of them training
reactions use; `model` is the network and `learning` its training.
"""
