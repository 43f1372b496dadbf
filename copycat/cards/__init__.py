"""Models, judges and language models as YAML files; what may be changed in a model; the catalogue."""
