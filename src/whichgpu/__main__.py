"""``python -m whichgpu``: the command line."""

from whichgpu.cli.main import main

if __name__ == "__main__":
    main()
