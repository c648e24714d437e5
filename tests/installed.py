"""The plugins of the house, as tests expect to find them."""

ALWAYS = ["exif", "face_detection", "hash", "hls_streaming", "image_conversion", "media_thumbnail"]
"""Those that need nothing but libraries, sorted."""

WITH_MODEL = ["clip_embedding", "dino_embedding", "face_embedding"]
"""Those that are offered where their model file is."""
