"""Tables and figures of what a folder, a piece, a token store or a model holds."""
