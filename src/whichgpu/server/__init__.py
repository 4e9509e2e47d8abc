"""The server: a page for people and REST for programs, both over the documents that every face shows."""
