"""Cleaning: rules, corrections and the reader of raw text-mined recipes."""
