"""Where the command `qamat` starts."""

from flows.large_pages import restart_with_large_pages


def start() -> None:
    """Run the command line, in a process with large pages."""
    restart_with_large_pages()
    from flows.cli.main import main

    main()
