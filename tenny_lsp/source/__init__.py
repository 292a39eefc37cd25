"""Python text, finished or not, as tree-sitter parses it. Imports nothing else of Tenny."""
