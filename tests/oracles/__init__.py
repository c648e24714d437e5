"""What independent programs say of the same files: ImageMagick, exiftool, FFmpeg."""
