"""Tables of computed properties: their sources, a streaming reader, compositions with labels."""
