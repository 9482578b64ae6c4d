"""Plain sentences, and how words are put."""
