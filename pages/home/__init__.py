"""Pages of the group “home” and the parts that only they use."""
