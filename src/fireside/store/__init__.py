"""Where things are kept: two engines behind the same ports, one contract suite for both.

`sqlite/` is embedded and needs nothing; `mongo/` is a MongoDB server. In each, `engine.py` owns the connections,
`schema.py` the tables or collections and their migrations, and every other file is the adapter of the feature it is
named after. The ports belong to the features; `tests/contract` says what both engines must do.

What an adapter raises: what its port's docstring names, and `Unavailable` whenever the database cannot do it now
or nobody knows whether it did. Drivers do not leave this room.
"""
