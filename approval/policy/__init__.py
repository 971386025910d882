"""The policy: who is who, which request passes which chain, when windows open."""
