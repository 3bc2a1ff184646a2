"""Stage 2, views: random changes that must not change what the image is."""
