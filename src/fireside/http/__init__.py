"""The REST edge: the application, its refusals, what stands before every route, the docs page, health."""
