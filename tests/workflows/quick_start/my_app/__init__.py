"""An application of somebody else, on cl_ml_tools alone."""
