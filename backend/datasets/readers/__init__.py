"""One file per kind of file or order of files that can be read; called by incoming."""
