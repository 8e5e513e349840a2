"""The workload: rows that the database makes itself, and prepared requests of the users who own them."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import psycopg

from app.core.auth.tokens import issue_token
from app.testing.databases import SECRET

OPERATIONS: Final = ("list 100", "get", "create", "update", "mix")
MIX: Final = {"list 100": 70, "get": 15, "create": 10, "update": 5}  # percent
_DAY: Final = 24 * 60 * 60
_CHOICE: Final = random.Random(4)  # noqa: S311 # the same load in every run


class Population(NamedTuple):
    """Users with as many rows each, which lie between those of the others, as rows do that came over time."""

    name: str
    users: int
    each: int
    first_id: int = 1
    callers: int = 1_000  # at most; the others only have rows

    def seed(self, database_url: str) -> None:
        """Store their rows. The table holds none yet but those below the first id."""
        statement = (
            "INSERT INTO tasks (user_id, title, description)"
            " SELECT %s || n %% %s, 'Task ' || n, 'What there is to say about it' FROM generate_series(0, %s) AS n"
        )
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(statement, (self.name, self.users, self.users * self.each - 1))
            connection.execute("VACUUM ANALYZE tasks")

    def requests(self, operation: str) -> Iterator[bytes]:
        """Return requests without end, each of one of these users, taken at random."""
        tokens = [self._token(user) for user in range(min(self.users, self.callers))]
        makers: dict[str, Callable[[int], bytes]] = {
            "list 100": lambda user: _request("GET", "/api/tasks", tokens[user]),
            "page": lambda user: _request("GET", f"/api/tasks?after={self._row(user, spare=100)}", tokens[user]),
            "get": lambda user: _request("GET", f"/api/tasks/{self._row(user)}", tokens[user]),
            "create": lambda user: _request("POST", "/api/tasks", tokens[user], {"title": "Buy milk"}),
            "update": lambda user: _request("PUT", f"/api/tasks/{self._row(user)}", tokens[user], {"title": "Buy it"}),
        }
        names, weights = (list(MIX), list(MIX.values())) if operation == "mix" else ([operation], [1])
        while True:
            for name in _CHOICE.choices(names, weights, k=100):
                yield makers[name](_CHOICE.randrange(len(tokens)))

    def _row(self, user: int, spare: int = 0) -> int:
        """The id of one of the user's rows, but of none of the last ones."""
        return self.first_id + user + self.users * _CHOICE.randrange(self.each - spare)

    def _token(self, user: int) -> str:
        return issue_token(f"{self.name}{user}", SECRET.encode(), _DAY)


def _request(method: str, path: str, token: str, body: object = None) -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: benchmark", f"Authorization: Bearer {token}"]
    lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"] if content else []
    return "\r\n".join([*lines, "", ""]).encode() + content
