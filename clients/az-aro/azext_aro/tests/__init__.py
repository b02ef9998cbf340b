"""Tests that need neither Azure nor a login."""
