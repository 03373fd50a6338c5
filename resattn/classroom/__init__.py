"""What turns notebooks into a course: build the pairs, run them, gate what they print."""
