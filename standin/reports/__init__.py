"""Report jobs and their files."""
