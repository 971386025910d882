"""
Bring a minion to its approved state
====================================

The approved state of a minion is a document in its pillar: packages with exact versions, ``latest``
or absent; services running or dead; values. :func:`converged` applies it, reads back what is really
there, and returns that as evidence, which the master compares with what was approved.
:func:`observed` only reads, and :func:`performed` runs one approved action; both return evidence too.

This file runs on minions: it needs the standard library and Salt (3006 or later), nothing else.
"""

# The parts of the state module are edited here; `make amalgamate` writes states/_states/approval.py of them. Each part
# names at its top all that it takes from parts before it. The names have an underscore, shared or not, because in the
# one file Salt would offer every other function as a state.
