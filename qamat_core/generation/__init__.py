"""The generator: a T5 that extracts answers from passages, asks questions and answers them from the passage."""
