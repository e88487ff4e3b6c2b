"""Sources of the files of a corpus: packages, published arrays, archives, a folder."""
