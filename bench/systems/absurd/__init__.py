"""Absurd: durable tasks in PostgreSQL functions, with its Python library. https://github.com/earendil-works/absurd"""
