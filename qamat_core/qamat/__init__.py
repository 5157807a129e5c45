"""QAMAT and QAMAT+ (paper sections 3 and 4): retriever, memory integration, objectives, inference."""
