"""Token stores on disk, and batches from them."""
