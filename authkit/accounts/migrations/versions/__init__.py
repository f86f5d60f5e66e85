"""One module a revision. What is released is never changed."""
