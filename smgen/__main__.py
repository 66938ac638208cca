"""`python -m smgen`: the command line."""

from smgen.cli import main

main()
