"""Wide sweeps in virtual time over what unit tests try with a few seeds: every boundary, many fates, long histories."""
