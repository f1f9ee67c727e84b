"""Arguments, inputs and outputs shared by several commands."""
