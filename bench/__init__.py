"""A black-box benchmark: Fireside beside the common Node chat back end, on one machine, in one run.

Nothing in here imports Fireside. `python -m bench --help` says how to run it, `README.md` what each row means.
"""
