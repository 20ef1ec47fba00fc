"""Definitions, runs and their steps: the face of the engine for people and programs."""
