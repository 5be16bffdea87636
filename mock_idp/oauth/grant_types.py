"""The names of the grant types that the token endpoint takes (RFC 6749 section 4, and the RFCs of the URNs)."""

from typing import Final

AUTHORIZATION_CODE: Final = "authorization_code"
CLIENT_CREDENTIALS: Final = "client_credentials"
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - a grant type
PASSWORD: Final = "password"  # noqa: S105 - a grant type
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type
DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"

GRANT_TYPES: Final = (
    AUTHORIZATION_CODE,
    CLIENT_CREDENTIALS,
    REFRESH_TOKEN,
    PASSWORD,
    JWT_BEARER,
    TOKEN_EXCHANGE,
    DEVICE_CODE,
)
