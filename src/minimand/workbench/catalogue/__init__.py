"""What the package knows of its components: lists, pages, citations, and the skeletons of new ones."""
