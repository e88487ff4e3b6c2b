"""From what a backbone knows to a distribution over the next step."""
