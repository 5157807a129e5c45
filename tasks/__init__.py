"""One job a module: artifacts in, artifact out."""
