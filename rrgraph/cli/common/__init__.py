"""Arguments, inputs and outputs that several commands share."""
