"""Molecules, fingerprints, template matching and application."""
