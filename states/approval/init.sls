# Brings the minion to its approved state. Last, so that the package repositories which other
# states set up are there.
approval:
  approval.converged:
    - order: last
