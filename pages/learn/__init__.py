"""Pages of the group “learn” and the parts that only they use."""
