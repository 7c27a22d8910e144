"""``python -m segdemo``."""

from segdemo.cli import main

if __name__ == "__main__":
    main()
