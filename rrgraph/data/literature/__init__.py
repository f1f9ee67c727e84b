"""Literature precedents: the recorded reactions most similar to a composition."""
