"""The benchmark's peers: the same work as users of other libraries write it.

:mod:`samestep_experiments.peers.catalogue` describes them and imports no framework; each other
module holds the code for one library, which it imports as its user does.
"""
