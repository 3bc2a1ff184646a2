"""Stage 11, recipes: the classical experiments, one file each."""
