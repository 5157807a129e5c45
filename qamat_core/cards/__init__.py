"""Cards: what a checkpoint or a memory is, for those who get it without the home that it was made in."""
