"""`python -m archnet`: the command line."""

from archnet.cli import main

if __name__ == "__main__":
    main()
