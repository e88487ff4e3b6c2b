"""Where pieces come from: corpora to fetch, folders to read, and how pieces are kept and split."""
