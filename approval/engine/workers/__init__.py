"""The engine's workers, one module each; engine/worker.py lists them."""
