"""The import paths of earlier versions; each module here only passes on what lives one level up."""
