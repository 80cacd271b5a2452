"""What archnet ships: a list of its architectures, experiments and sweeps, and the files of a new project."""
