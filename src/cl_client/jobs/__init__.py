"""Jobs: the handle of one, the collection of all, and the operations that submit them."""
