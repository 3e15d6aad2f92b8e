"""Pages of the group “use” and the parts that only they use."""
