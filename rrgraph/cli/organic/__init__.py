"""The commands for molecules."""
