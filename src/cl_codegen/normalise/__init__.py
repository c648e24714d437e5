"""Small named rules that make a spec one that the generator understands."""
