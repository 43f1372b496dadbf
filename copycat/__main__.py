"""`python -m copycat`: the program where its script is not on the path."""

from copycat.cli.main import main

if __name__ == "__main__":
    main()
