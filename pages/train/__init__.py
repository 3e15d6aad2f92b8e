"""Pages of the group “train” and the parts that only they use."""
