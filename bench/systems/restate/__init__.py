"""Restate: durable execution by a server of its own (Rust, RocksDB), with its Python library. https://docs.restate.dev"""
