"""The methods of advanced-alchemy's repository that are closed here."""

from typing import Any, NoReturn

from app.core.data.errors import ClosedMethod


def _closed(name: str, instead: str) -> Any:
    async def refuse(*_: Any, **__: Any) -> NoReturn:
        raise ClosedMethod(f"Repository.{name}() is closed; use {instead} instead.")

    return refuse


class ClosedMethods:
    """Closes the methods that can lose data, read without a limit, or use raw SQL: they raise ClosedMethod."""

    update = _closed("update", "update_one()")
    update_many = _closed("update_many", "update_one() inside atomic()")
    upsert = _closed("upsert", "insert_one() or update_one()")
    upsert_many = _closed("upsert_many", "insert_one() or update_one() inside atomic()")
    get_and_update = _closed("get_and_update", "update_one()")
    get_or_upsert = _closed("get_or_upsert", "insert_one() or update_one()")
    list = _closed("list", "select_page() or get_many()")
    list_and_count = _closed("list_and_count", "select_page() or get_many_and_count()")
    check_health = _closed("check_health", "the readiness check")
