"""The pages of workflows and runs: thin views that read a page, or do one thing and lead on."""
