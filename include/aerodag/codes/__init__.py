"""The codes of errors and findings, read from this package's own source, and the page that explains them."""
