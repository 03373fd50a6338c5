"""What the check cells of an exercise use, and the record that says what is right."""
