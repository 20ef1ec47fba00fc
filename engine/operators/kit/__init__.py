"""What operators share: the shape of an operator and its step, guards, forks and waits. Knows no operator."""
