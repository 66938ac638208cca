"""From IR to strings, one printer a target; no string is made anywhere else."""
