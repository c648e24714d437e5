"""The plugins of the house, as tests expect to find them."""

ALWAYS = ["exif", "hash", "hls_streaming", "image_conversion", "media_thumbnail"]
"""Those that need nothing but libraries, sorted."""
