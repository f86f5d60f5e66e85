"""Fuzzing: what strangers can send, made up by Atheris, and what must hold of it. See docs/fuzzing.md."""
