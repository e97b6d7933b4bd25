"""Reader of Hugging Face configuration files: one file a family of models."""
