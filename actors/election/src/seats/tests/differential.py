"""The seats of contests by votelib, an implementation that has nothing in common with ours.

Reads one contest a line, `METHOD SEATS VOTES…`, and writes one line for it: the seats of each option in the order
of their votes, then for each tie `TIED…:SEATS`, where TIED are positions.
"""

import sys

from votelib.evaluate.core import Tie
from votelib.evaluate.proportional import HighestAverages, LargestRemainder

METHODS = {
    "hare": LargestRemainder("hare"),
    "dhondt": HighestAverages("d_hondt"),
    "sainte-lague": HighestAverages("sainte_lague"),
}

for line in sys.stdin:
    method, seats, *votes = line.split()
    votes = {at: int(count) for at, count in enumerate(votes)}
    gained = METHODS[method].evaluate(votes, int(seats))
    ties = [f"{','.join(map(str, sorted(tied)))}:{places}" for tied, places in gained.items() if isinstance(tied, Tie)]
    print(" ".join(str(gained.get(at, 0)) for at in votes), *ties, sep="|")
