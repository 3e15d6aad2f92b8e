"""Networks of our own, one loader per outside library, and the record that describes a model."""
