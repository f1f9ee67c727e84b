"""Property tables: sources, streaming reader, compositions with their labels."""
