"""`archnet` whose sweeps are made of fake runs, two at once."""

from functools import partial

from archnet.cli import main
from archnet.sweep import run, tune
from small_sweeps import FAKE

run.COMMAND = FAKE
tune.TuneRunner = partial(tune.TuneRunner, command=FAKE, num_cpus=2)
main()
