"""The embedded default corpus: a seeded, synthetic encyclopedia. Its numbers are always labelled synthetic."""
