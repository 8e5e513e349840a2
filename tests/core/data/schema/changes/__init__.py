"""Changes that a model can go through, as functions that change a copy of the models' tables."""
