"""The data sets that are there at once: one file per source, built when first asked for."""
