"""The protocol endpoints of an issuer: OAuth 2.0 and OpenID Connect as pure functions from request to answer.

`mock_idp.oauth.endpoints` has the table of them. Nothing is imported here, so that the parts which an issuer
holds (clients, accounts, grants) can be imported without the endpoints that use them.
"""
