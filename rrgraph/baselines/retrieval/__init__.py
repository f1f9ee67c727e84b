"""Systems that adapt how similar targets were made."""
