"""A look-alike of the Wildberries seller API, one module per family of methods."""
