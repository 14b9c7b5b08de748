"""The dashboards: their files, their layout, and every query in them."""
