"""The program that runs an MCP server behind the wall."""
