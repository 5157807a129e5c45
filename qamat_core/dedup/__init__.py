"""Deduplication of question-answer pairs: keys that meet, survivors, near-duplicates, partitions, changes."""
