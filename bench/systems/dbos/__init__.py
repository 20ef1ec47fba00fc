"""DBOS: durable workflows as a Python library on PostgreSQL. https://docs.dbos.dev"""
