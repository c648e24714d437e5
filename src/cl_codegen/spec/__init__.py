"""An OpenAPI document: read, walked, fetched."""
