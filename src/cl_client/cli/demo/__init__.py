"""What `cl-client demo` runs."""
