"""Plans routes of several steps from molecules in stock, by searches of syntheseus over a model of templates."""
