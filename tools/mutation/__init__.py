"""Mutation testing: each module with one thing changed, to see that a test notices."""
