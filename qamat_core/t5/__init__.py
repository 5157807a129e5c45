"""T5 in Flax: network, pointer head, decoding, conversion."""
