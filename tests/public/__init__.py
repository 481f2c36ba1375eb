"""What everybody may know of the register, and nothing else."""
