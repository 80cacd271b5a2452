"""`archnet` whose sweeps are made of fake runs, two at once."""

from functools import partial

from archnet.cli import main
from archnet.sweep import ray_session, run
from small_sweeps import FAKE

run.COMMAND = FAKE
ray_session.SessionRunner = partial(ray_session.SessionRunner, command=FAKE, num_cpus=2)
main()
