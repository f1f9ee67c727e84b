"""Turns reactions into a table of templates: cleaning, atom maps, extraction, merging, and a check of each template."""
