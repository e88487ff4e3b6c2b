"""One module per stage of the pipeline: read inputs, call below, write outputs."""
