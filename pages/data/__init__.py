"""Pages of the group “data” and the parts that only they use."""
