"""Tests of backend/preflight."""
