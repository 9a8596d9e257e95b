"""Prepares what `dagster dev` needs and prints the DAGSTER_HOME of the profile that applies: `python -m assets_defs.ui`."""

import argparse
import sys

from assets_defs.build import dagster_home
from assets_defs.profile import choose_profile
from assets_defs.workspace import open_workspace


def main() -> None:
    """Print the folder of Dagster's records."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--profile")
    chosen, _ = choose_profile(arguments.parse_args().profile)
    sys.stdout.write(dagster_home(open_workspace(chosen)) + "\n")


if __name__ == "__main__":
    main()
