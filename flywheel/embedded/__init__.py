"""PostgreSQL and Valkey as child processes, and the supervisor that runs the whole product in one foreground process.

Nothing here imports another room. docs/decisions/0002-embedded-servers.md says why each step is as it is.
"""
