"""The gateway's and the centre's logic in one thread, on simulated edges; a seed decides all."""
