"""`python -m fireside` is `fireside`."""

from fireside.cli import main

if __name__ == "__main__":
    main()
