"""T5 checkpoints of other libraries: read into our parameter tree without torch, transformers or T5X."""
