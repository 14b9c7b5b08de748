"""From a report as a value to the bytes of a file: JSON, CSV, HTML and PDF.

`as_json` and `as_csv` write numbers for programs; `view` puts everything that people read into words, once, and
`as_html` and `as_pdf` only lay it out. Nothing here reads a store, a clock or a configuration but `making`, for the
processes that make reports.
"""
