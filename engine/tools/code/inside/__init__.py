"""What runs inside the sandbox. Standard library only, and as little of it as will do: every import costs start-up time."""
