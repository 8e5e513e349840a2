"""Rules: what every answer tells browsers and caches."""

from app.core.http.edge.security_headers import security_headers
from app.testing.contract.subject import OPERATIONS, Subject, expect, rule


@rule
async def every_answer_is_for_its_caller_alone(subject: Subject) -> None:
    """Every answer, errors included, has the security headers, is kept by no cache, and names its request."""
    row = await subject.created(subject.owner)
    expected = {name.decode(): [value.decode()] for name, value in security_headers(https_only=False)}
    expect("caches", expected["cache-control"], ["no-store"])
    for operation in OPERATIONS:
        for caller in (subject.anonymous, subject.expired, subject.stranger, subject.owner):
            headers = (await subject.send(caller, operation, row["id"])).headers
            expect(operation.name, {name: headers.get_list(name) for name in expected}, expected)
            expect(f"{operation.name}: X-Request-ID", len(headers.get_list("x-request-id")), 1)
