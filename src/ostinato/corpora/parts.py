"""Names of the parts into which the pieces of a corpus are divided."""

PARTS = ("train", "validation", "test")
