"""What every wire layer has from one: JSON, files, errors, and the value of what was not given."""
