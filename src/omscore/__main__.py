"""`python -m omscore`: see omscore.app for what it can do."""

import sys

from omscore.app._cli import main

sys.exit(main())
