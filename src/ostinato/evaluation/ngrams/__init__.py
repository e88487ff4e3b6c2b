"""Variable-order Markov models of tokens: baselines that a network should beat."""
