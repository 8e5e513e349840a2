"""Statements of every shape, made at random, and the judge who finds those that tell of the rows of other owners.

A shape is made by its number (`start.py`) and run in two worlds (`worlds.py`): mallory's rows alone, and the same among
those of others. What differs between the two is a leak (`judge.py`). To add what a shape may be made of, add a
production to the module of its kind (`grammar.py` says how).
"""
