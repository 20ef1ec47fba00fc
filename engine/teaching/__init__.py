"""What people and language models are told about the language, made from the model and the tools so that it cannot fall behind.

`prompt` is one short text that is enough to write a workflow; `language` keeps the reference parts of docs/language.md.
"""
