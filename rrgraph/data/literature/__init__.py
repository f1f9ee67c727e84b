"""Literature precedents: the recorded reactions nearest to a composition."""
