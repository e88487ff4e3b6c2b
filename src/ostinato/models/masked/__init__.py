"""Networks that say what each cell of a grid of voices holds, given any of the others."""
