"""`python -m omscore`: see omscore.replay for what it can do."""

import sys

from omscore.replay import main

sys.exit(main())
