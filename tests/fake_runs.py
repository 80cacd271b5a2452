"""What goes wrong with a fake run, told by the drop_out of its first layer."""

RAISES, IS_KILLED, LEAVES = 71, 72, 73
