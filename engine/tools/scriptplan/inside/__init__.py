"""The program that schedules a project behind the wall."""
