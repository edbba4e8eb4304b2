"""`python -m kuberklone` is `kuberklone`."""

from kuberklone.cli import main

if __name__ == "__main__":
    main()
