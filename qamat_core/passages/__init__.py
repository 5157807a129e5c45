"""Baselines that read passages: their retrieval, a dense retriever, an extractive reader (``fid`` has the other)."""
