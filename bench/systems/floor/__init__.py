"""The floor: what PostgreSQL alone does with the least work that each workload needs, by `pgbench` with prepared statements.

What no engine has here, nobody pays for: definitions, fencing, retries, history. Unless a label says otherwise it is one row a transaction, 16 clients.
"""
