"""Readers of the files in which passages, annotations and questions are distributed."""
