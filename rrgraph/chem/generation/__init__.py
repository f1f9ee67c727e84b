"""Plausible compounds generated from charges."""
