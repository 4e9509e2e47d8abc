"""Folders of diffusion pipelines (``model_index.json``): configurations alone, built by diffusers in the sandbox."""
