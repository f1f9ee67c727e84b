"""Cleaning of reaction tables and raw text-mined recipes: rules, corrections, reports."""
