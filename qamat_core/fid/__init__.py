"""Fusion-in-Decoder, the reader of passages that QAMAT is compared with."""
