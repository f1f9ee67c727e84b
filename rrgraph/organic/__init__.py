"""Single-step retrosynthesis of molecules as link prediction between products and templates."""
