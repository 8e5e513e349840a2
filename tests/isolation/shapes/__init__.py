"""Random statements of every form (shapes), and a judge that finds those that leak other owners' rows.

A number determines a shape (`start.py`). A shape runs in two worlds (`worlds.py`): one has mallory's rows only, the
other has rows of other owners too. A difference between the two is a leak (`judge.py`). To add a form of SQL, add a
production to the module of its kind (see `grammar.py`).
"""
