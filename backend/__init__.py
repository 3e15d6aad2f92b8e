"""What Trainroom does, without a page: data, models, training, prediction, and who runs what."""
