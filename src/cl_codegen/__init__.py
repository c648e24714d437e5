"""The generator: an OpenAPI document, a manifest and templates become the typed client under `generated/`.

`python -m cl_codegen generate` writes, `python -m cl_codegen check` compares. It imports nothing of what it generates.
"""
