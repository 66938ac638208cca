"""What a schedule computes, as equations of mathematics and as text for people."""
