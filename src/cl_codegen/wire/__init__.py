"""The wire layer: attrs models and endpoints."""
