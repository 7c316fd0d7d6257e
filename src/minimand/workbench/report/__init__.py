"""What a job shows at its end: a self-contained page (`page`), a summary in the terminal (`terminal`).

Both read the content of results.json and nothing else, so that a page can be made again from a finished run.
"""
