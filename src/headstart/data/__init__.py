"""Stage 1, data: images with whatever labels they happen to have."""
