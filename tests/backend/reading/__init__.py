"""Tests of backend/reading, and the recorded runs that they read."""
