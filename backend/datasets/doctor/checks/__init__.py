"""One module per kind of check; registry.py finds them by itself."""
