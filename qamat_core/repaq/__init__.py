"""RePAQ (Lewis et al. 2021): the nearest question's answer, learned from answers alone, and a re-ranker over it."""
