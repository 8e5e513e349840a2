"""The rule about the headers of every response."""

from app.core.http.edge.security_headers import security_headers
from app.testing.contract.answers import expect
from app.testing.contract.resource import ResourceUnderTest
from app.testing.contract.rules import rule


@rule()
async def every_response_has_the_security_headers(tested: ResourceUnderTest) -> None:
    """Every response, also an error, has the security headers (with `no-store`) and one X-Request-ID."""
    row = await tested.create_row(tested.owner)
    expected = {name.decode(): [value.decode()] for name, value in security_headers(https_only=False)}
    expect("caches", expected["cache-control"], ["no-store"])
    for operation in tested.operations:
        for caller in (tested.anonymous, tested.expired, tested.stranger, tested.owner):
            headers = (await tested.send(caller, operation, row["id"])).headers
            expect(operation.name, {name: headers.get_list(name) for name in expected}, expected)
            expect(f"{operation.name}: X-Request-ID", len(headers.get_list("x-request-id")), 1)
