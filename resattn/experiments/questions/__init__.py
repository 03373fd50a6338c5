"""The questions, one a file: each says what it asks, what would count, and what it runs."""
