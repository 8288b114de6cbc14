"""The vocabulary: ids, errors, events, paging, clock, text. No I/O and no framework."""
