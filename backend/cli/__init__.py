"""The command line: its words (parser), what each does (commands), how answers look (output)."""
