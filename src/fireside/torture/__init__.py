"""Torture: tries to make a deployment break a promise, from outside, and says whether it did.

Seeded people talk over a proxy that delays, holds and cuts their lines, while whatever may be killed is killed. All
they do and see goes into a record; at the end fresh clients read the truth over the public API, and a checker without
I/O compares. It knows of the server what goes over the wire. `docs/torture.md` says how to use it and what it proves.
"""
