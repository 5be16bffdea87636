"""`python -m scenarios` is `touchstone`."""

from scenarios.cli import main

if __name__ == "__main__":
    main()
