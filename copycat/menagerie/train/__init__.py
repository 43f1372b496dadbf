"""Training of the menagerie's models, one file a model; each stage resumes from its checkpoint."""
