"""Pages about the computer: storage and settings."""
