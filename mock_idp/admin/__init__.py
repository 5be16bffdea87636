"""The admin side of a mock IdP's server: the API, its OpenAPI document and the console page, below `/_admin`.

`respond` is its one door. It knows HTTP and people; every operation itself is `mock_idp.control`'s. It must never
answer a request that did not pass `mock_idp.admin.gate`.
"""

from mock_idp.admin.respond import respond

__all__ = ["respond"]
