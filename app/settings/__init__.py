"""Typed settings from the environment and `.env`, validated once."""

from app.settings.paths import APP_DIR, BASE_DIR, DATA_DIR, IS_CHECKOUT, MIGRATIONS_DIR
from app.settings.settings import InvalidSettings, Settings, load_settings

__all__ = [
    "APP_DIR",
    "BASE_DIR",
    "DATA_DIR",
    "IS_CHECKOUT",
    "MIGRATIONS_DIR",
    "InvalidSettings",
    "Settings",
    "load_settings",
]
