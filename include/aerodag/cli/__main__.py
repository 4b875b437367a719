"""``python -m aerodag.cli``."""

import sys

from aerodag.cli import main

sys.exit(main())
