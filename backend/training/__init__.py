"""The training loop and what belongs to it; knows nothing of SQL, processes or pages."""
