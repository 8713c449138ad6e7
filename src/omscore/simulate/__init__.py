"""What if: policies over orders on a fork of the ledger, by the code that routes them live, and runs side by side."""

from omscore.simulate._compare import Comparison, Moved, compare, sweep
from omscore.simulate._run import Fate, Run, run
from omscore.simulate._shadow import Shadow

__all__ = ["run", "Run", "Fate", "compare", "Comparison", "Moved", "sweep", "Shadow"]
