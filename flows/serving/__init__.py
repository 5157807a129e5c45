"""Answering questions over HTTP: an API, and a page that shows what an answer was made of."""
