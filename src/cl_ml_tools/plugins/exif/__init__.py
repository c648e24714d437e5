"""What a camera wrote into a picture."""
