"""Helpers without chemistry: files, progress, parallel work, registries, configurations."""
