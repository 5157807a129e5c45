"""The report: figures measured and quoted, tables, plots, worked questions, provenance; as HTML and Markdown."""
