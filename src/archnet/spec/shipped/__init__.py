"""Files shipped with archnet: architectures, experiments, sweeps, and the files of a new project."""
