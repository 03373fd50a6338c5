"""The sources of the site's pages, as text: made from the course, never written by hand.

`notebooks` makes the lessons and exercises, `results` the recorded tables, `reference` the rest;
`tree` puts all of them together. Nothing here needs Sphinx, and nothing is executed.
"""
