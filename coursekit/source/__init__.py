"""The sources of lessons and exercise sets, and the notebooks that are made from them."""
