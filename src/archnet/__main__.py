"""`archnet` and `python -m archnet`: the command line."""

from archnet import interruption


def main() -> None:
    """Run the command line; an interruption while it is imported ends it quietly."""
    interruption.install_handlers()
    with interruption.quiet_exit():
        from archnet.cli import main as run_command_line

        run_command_line()


if __name__ == "__main__":
    main()
