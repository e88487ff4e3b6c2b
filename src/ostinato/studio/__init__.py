"""The studio: a page on the user's own machine, and an HTTP API, to play with a trained model.

`app` answers requests and waits; what takes time runs in processes of its own (`workers`), which
are started again when they die. `tasks` is what those do.
"""
