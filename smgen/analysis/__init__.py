"""What only computes facts about schedules: their work, their storage, where threads wait."""
