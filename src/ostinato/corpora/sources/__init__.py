"""Where the files of a corpus come from: packages, published arrays, archives, a folder."""
